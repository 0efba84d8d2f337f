// The form of a card, with the provider for tests that is built into the service: cards that are taken and refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkHtml, checkPage, seen } from './support/browser.js';
import {
  again,
  AMEX,
  answerBank,
  ASKING,
  button,
  cardPage,
  changes,
  checkNothingKept,
  DECLINED,
  enter,
  hasNone,
  heading,
  isMarkedAsTest,
  isSaved,
  isTold,
  looks,
  MASTERCARD,
  open,
  openUrl,
  save,
  stored,
  useCardForm,
  used,
  VISA,
} from './support/card-form.js';
import { cardFrame } from './support/forms.js';
import { service } from './support/world.js';

useCardForm();

/** Presses Tab until a field of the provider's form has the focus. */
async function tabInto(page, label) {
  const field = cardFrame(page).getByLabel(label);
  await field.waitFor();
  for (let pressed = 0; pressed < 20; pressed += 1) {
    await page.keyboard.press('Tab');
    if (await field.evaluate(input => input === document.activeElement && document.hasFocus())) return;
  }
  assert.fail(`Tab does not lead to ${label}`);
}

for (const { on, ...look } of looks) {
  test(`a card is saved by keyboard alone on ${on}`, async () => {
    const customer = await service.customer();
    const page = await open(customer, look);
    await isMarkedAsTest(page);
    await tabInto(page, 'Card number');
    await checkPage(page);

    used.add(VISA);
    await page.keyboard.type(VISA.replaceAll(' ', ''));
    assert.equal(await cardFrame(page).getByLabel('Card number').inputValue(), VISA);
    await page.keyboard.press('Tab');
    await page.keyboard.type('1234');
    await page.keyboard.press('Tab');
    await page.keyboard.type('737');
    await checkPage(page);
    await page.keyboard.press('Enter');

    await isSaved(page);
    await isMarkedAsTest(page);
    await page.getByRole('status').filter({ hasText: 'Visa ending in 4242, expires 12/2034' }).waitFor();
    await checkPage(page);
    assert.equal(await stored(customer), 'visa 4242 12/2034');
    assert.deepEqual(await changes(customer), [['card']]);
  });

}

for (const { on, ...look } of looks.slice(1, 3)) {
  test(`a declined card is told, and another one is saved on ${on}`, async () => {
    const customer = await service.customer();
    const page = await open(customer, look);
    await save(page, DECLINED);
    await isTold(page, 'Your bank declined this card. Please try another card, or ask your bank.');
    await checkPage(page, { failures: [/setups\/confirm: 402/] });
    await hasNone(customer);

    await enter(page, MASTERCARD);
    await page.getByRole('alert').waitFor({ state: 'hidden' });
    await button(page).click();
    await isSaved(page);
    assert.equal(await stored(customer), 'mastercard 4444 12/2034');
  });
}

test('the link that brought a card is gone, and the next one replaces the card', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await save(page, VISA);
  await isSaved(page);

  const after = await page.goto(customer.card_url);
  assert.equal(after.status(), 410);
  await heading(page, 'This link has expired');
  await checkPage(page);

  const next = await again(customer);
  assert.notEqual(next.card_url, customer.card_url);
  const other = await open(next);
  await other.getByText('Visa ending in 4242, expires 12/2034').waitFor();
  await other.getByText('A new card replaces it.').waitFor();
  await checkPage(other);
  await save(other, AMEX, { expiry: '01 / 35', code: '7373' });
  await isSaved(other);
  await other.getByText('American Express ending in 0005, expires 01/2035').waitFor();
  assert.equal(await stored(customer), 'amex 0005 1/2035');
  assert.deepEqual(await changes(customer), [['card'], ['card']]);
});

for (const [what, number, text, more] of [
  ['has too little money', '4000 0000 0000 9995', 'There is not enough money available on this card'],
  ['expired by what its bank says', '4000 0000 0000 0069', 'This card has expired'],
  ['has another security code', '4000 0000 0000 0127', 'The security code is not right'],
  ['its bank cannot check now', '4000 0000 0000 0119', 'Something went wrong while checking the card'],
  ['has a wrong number', '4111 1111 1111 1112', 'The card number is not right'],
  ['expired by its date', VISA, 'This card has expired', { expiry: '01 / 20' }],
  ['has no such month', VISA, 'The expiry date is not right', { expiry: '13 / 34' }],
  ['is not typed in whole', '4242 4242', 'Please complete your card details'],
]) {
  test(`a card that ${what} is refused with the reason, and a good one is saved after it`, async () => {
    const customer = await service.customer();
    const page = await open(customer);
    await save(page, number, more);
    await isTold(page, text);
    await checkPage(page, { failures: [/setups\/confirm: 402/] });
    await hasNone(customer);
    await save(page, VISA);
    await isSaved(page);
    assert.equal(await stored(customer), 'visa 4242 12/2034');
  });
}

test('nothing typed is told, and the first field has the focus', async () => {
  const page = await open(await service.customer());
  await cardFrame(page).getByLabel('Card number').waitFor();
  await button(page).click();
  await isTold(page, 'Please complete your card details');
  assert.ok(await cardFrame(page).getByLabel('Card number').evaluate(input => input === document.activeElement));
  await checkPage(page);
});

test('the bank asks, the customer proves himself, and the card is saved', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await save(page, ASKING);
  const bank = page.frameLocator('iframe[title="Test authentication"]');
  await bank.getByRole('button', { name: 'Complete authentication', disabled: false }).waitFor();
  await checkPage(page);
  await hasNone(customer);
  await page.keyboard.press('Enter');
  await isSaved(page);
  assert.equal(await stored(customer), 'visa 3155 12/2034');
});

for (const how of ['Fail authentication', 'Escape']) {
  test(`who cannot prove himself (${how}) is told, and may try again`, async () => {
    const customer = await service.customer();
    const page = await open(customer);
    await save(page, ASKING);
    const bank = page.frameLocator('iframe[title="Test authentication"]');
    await bank.getByRole('button', { name: 'Fail authentication', disabled: false }).waitFor();
    if (how === 'Escape') await page.keyboard.press('Escape');
    else await answerBank(page, how);
    await isTold(page, 'Your bank could not confirm that it is you');
    await checkPage(page, { failures: [/setups\/authenticate: 40\d/] });
    await hasNone(customer);

    await button(page).click();
    await answerBank(page, 'Complete authentication');
    await isSaved(page);
    assert.equal(await stored(customer), 'visa 3155 12/2034');
  });
}

test('two quick taps save one card', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await enter(page, VISA);
  await button(page).dblclick();
  await isSaved(page);
  assert.deepEqual(await changes(customer), [['card']]);
  assert.equal(seen(page).requests.filter(url => url.endsWith('/setups/confirm')).length, 1);
});

test('of two tabs with one link one brings the card, and the other says that it is saved', async () => {
  const customer = await service.customer();
  const one = await open(customer);
  const other = await cardPage({ beside: one });
  await other.goto(customer.card_url);
  await save(one, VISA);
  await isSaved(one);
  await save(other, MASTERCARD);
  await isSaved(other);
  await checkPage(other);
  assert.equal(await stored(customer), 'visa 4242 12/2034');
  assert.deepEqual(await changes(customer), [['card']]);
});

test('of two tabs that save at the same time one brings the card, and both say that it is saved', async () => {
  const customer = await service.customer();
  const one = await open(customer);
  const other = await cardPage({ beside: one });
  await other.goto(customer.card_url);
  let waiting = 0;
  let release;
  const both = new Promise(resolve => (release = resolve));
  for (const page of [one, other]) {
    await page.route('**/setups/confirm', async route => {
      waiting += 1;
      if (waiting === 2) release();
      await both;
      await route.continue();
    });
  }
  await Promise.all([save(one, VISA), save(other, VISA)]);
  await Promise.all([isSaved(one), isSaved(other)]);
  assert.equal(await stored(customer), 'visa 4242 12/2034');
  assert.deepEqual(await changes(customer), [['card']]);
});

test('a reload after the card was saved says that it is saved, and changes nothing', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await save(page, VISA);
  await isSaved(page);
  await page.reload();
  await isSaved(page);
  await checkPage(page);
  assert.deepEqual(await changes(customer), [['card']]);
});

test('back after the card was saved shows a page to read', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await save(page, VISA);
  await isSaved(page);
  await page.goBack();
  await page.getByRole('heading', { level: 1 }).waitFor();
  await checkPage(page);
  assert.deepEqual(await changes(customer), [['card']]);
});

for (const { on, ...look } of looks.slice(0, 3)) {
  test(`without JavaScript the page says that it is needed on ${on}`, async () => {
    const page = await open(await service.customer(), { ...look, javaScript: false });
    const told = page.locator('noscript p');
    assert.ok(await told.isVisible());
    assert.match(await told.textContent(), /JavaScript is needed to enter a card/);
    assert.equal(await button(page).isVisible(), false);
    await checkPage(page);
  });
}

test('the form speaks the language of the browser', async () => {
  const customer = await service.customer();
  for (const [locale, language, title, saving, declined] of [
    ['de-DE', 'de', 'Ihre Karte', /Karte speichern/, /Bank/],
    ['fr-CA', 'fr', 'Votre carte', /Enregistrer la carte/, /banque/],
    ['es-MX', 'es', 'Su tarjeta', /Guardar la tarjeta/, /banco/],
  ]) {
    const page = await open(customer, { locale });
    assert.equal(await page.locator('html').getAttribute('lang'), language);
    await heading(page, title);
    await checkPage(page);
    await enter(page, DECLINED);
    await page.getByRole('button', { name: saving }).click();
    await isTold(page, declined);
    await checkPage(page, { failures: [/setups\/confirm: 402/] });
  }
});

test('of a card only the name of the test card and its expiry leave the frame', async () => {
  const page = await open(await service.customer());
  const [request] = await Promise.all([page.waitForRequest('**/setups/confirm'), save(page, VISA)]);
  await isSaved(page);
  const { client_secret, ...sent } = request.postDataJSON();
  assert.match(client_secret, /^seti_/);
  assert.deepEqual(sent, { token: 'pm_card_visa', exp_month: 12, exp_year: 2034 });
});

test("what stands in the provider's frames is valid HTML", async () => {
  for (const frame of ['element', 'challenge']) await checkHtml(await openUrl(service.url(`/test-cards/${frame}`)));
});

// The last, so that it looks at what all the others left.
test('no number is in the log, nor in the database', () => checkNothingKept(6));
