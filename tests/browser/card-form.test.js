// The form of a card, with the provider for tests that is built into the service.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { checkHtml, checkPage, DESKTOP, PHONE, seen, startBrowser } from './support/browser.js';
import { cardFrame, fillTestCard, hasNumber } from './support/forms.js';
import { stopAll } from './support/process.js';
import { startService } from './support/service.js';

const VISA = '4242 4242 4242 4242';
const MASTERCARD = '5555 5555 5555 4444';
const AMEX = '3782 822463 10005';
const ASKING = '4000 0025 0000 3155';
const DECLINED = '4000 0000 0000 0002';

let browser;
let service;
const used = new Set();
const pages = [];
before(async () => {
  [browser, service] = await Promise.all([startBrowser(), startService()]);
});
afterEach(async () => {
  const sent = pages.splice(0).flatMap(page => seen(page).sent);
  await browser?.closePages();
  for (const number of used) {
    assert.deepEqual(sent.filter(request => hasNumber(request, number)), [], 'no request has a number in it');
  }
});
after(stopAll);

async function openUrl(url, look) {
  const page = await browser.page(look);
  pages.push(page);
  await page.goto(url);
  return page;
}
const open = (customer, look) => openUrl(customer.card_url, look);

/** The customer as he is now, with a link for now. */
const again = customer => service.api('GET', `/v1/customers/${customer.id}`);

async function stored(customer) {
  const { brand, last4, exp_month, exp_year } = await service.api('GET', `/v1/customers/${customer.id}/card`);
  return `${brand} ${last4} ${exp_month}/${exp_year}`;
}

const hasNone = customer => assert.rejects(stored(customer), /answered 404/);

async function changes(customer) {
  const events = await service.api('GET', `/v1/events?customer_id=${customer.id}`);
  return events.filter(({ type }) => type === 'customer.updated').map(({ data }) => data.changed);
}

async function enter(page, number, more) {
  used.add(number);
  await fillTestCard(page, number, more);
}

const button = page => page.getByRole('button', { name: 'Save card' });
const heading = (page, text) => page.getByRole('heading', { level: 1, name: text }).waitFor();
const isSaved = page => heading(page, 'Your card is saved');
const isTold = (page, text) => page.getByRole('alert').filter({ hasText: text }).waitFor();
const isMarkedAsTest = page => page.getByText('Test mode: no real cards').first().waitFor();
const answerBank = (page, answer) =>
  page.frameLocator('iframe[title="Test authentication"]').getByRole('button', { name: answer }).click();

async function save(page, number, more) {
  await enter(page, number, more);
  await button(page).click();
}

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

const looks = [
  { on: 'a phone', viewport: PHONE },
  { on: 'a desktop', viewport: DESKTOP },
  { on: 'a phone in the dark', viewport: PHONE, dark: true },
  { on: 'a desktop in the dark', viewport: DESKTOP, dark: true },
];
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
  const other = await browser.page({ beside: one });
  pages.push(other);
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
  const other = await browser.page({ beside: one });
  pages.push(other);
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

test('a link that expired while its form was open tells so, and saves nothing', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await enter(page, VISA);
  await service.expireLinks(customer);
  const other = await browser.page({ beside: page });
  assert.equal((await other.goto(customer.card_url)).status(), 410);

  await button(page).click();
  await page.getByText(/links work for a short time only. Please ask us for a new one in the chat/).waitFor();
  await checkPage(page, { failures: [/\/l\/\w+: 410/] });
  await hasNone(customer);
});

test('while the provider takes its time, the button waits and the page says why', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  let release;
  const held = new Promise(resolve => (release = resolve));
  const asked = new Promise(resolve => {
    page.route('**/setups/confirm', async route => {
      resolve();
      await held;
      await route.continue();
    });
  });
  await save(page, VISA);
  await asked;
  await page.getByRole('button', { name: 'Save card', disabled: true }).waitFor();
  await page.getByRole('status').filter({ hasText: 'Saving your card… Please keep this page open.' }).waitFor();
  await checkPage(page);
  // A tap on the button that waits does nothing.
  await button(page).dispatchEvent('click');
  release();
  await isSaved(page);
  assert.equal(seen(page).requests.filter(url => url.endsWith('/setups/confirm')).length, 1);
});

test('a connection that is lost is told, and the next try succeeds', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  for (const lost of ['**/setups/confirm', '**/l/*']) {
    await page.route(lost, route => route.abort('connectionfailed'));
    await save(page, VISA);
    await isTold(page, 'The connection was lost. Nothing was lost, and it is safe to try again.');
    await checkPage(page, { failures: [/ERR_CONNECTION_FAILED/] });
    await page.unroute(lost);
  }
  await button(page).click();
  await isSaved(page);
});

for (const { on, ...look } of looks.slice(1, 3)) {
  test(`where the provider's script does not come the page says so, and offers to try again on ${on}`, async () => {
    const customer = await service.customer();
    const page = await browser.page(look);
    pages.push(page);
    await page.route('**/test-cards/**', route => route.abort('connectionfailed'));
    await page.goto(customer.card_url);
    await isTold(page, 'We could not reach our payment provider, so the card form is not here.');
    assert.equal(await button(page).isVisible(), false);
    await checkPage(page, { failures: [/test-cards.*ERR_CONNECTION_FAILED/] });
    await page.unroute('**/test-cards/**');
    await page.getByRole('link', { name: 'Try again' }).click();
    await save(page, VISA);
    await isSaved(page);
  });
}

/** Lets no request for the provider's script be answered until what is answered is called. */
async function holdScript(page) {
  let release;
  const held = new Promise(resolve => (release = resolve));
  await page.route('**/test-cards/v3.js', async route => {
    await held;
    await route.continue();
  });
  return release;
}

for (const { on, ...look } of looks.slice(1, 3)) {
  test(`while the provider's script is on its way the page says so, then that it did not come, and takes it all the same on ${on}`, async () => {
    const customer = await service.customer();
    const page = await browser.page(look);
    pages.push(page);
    await page.clock.install();
    const release = await holdScript(page);
    await page.goto(customer.card_url, { waitUntil: 'commit' });
    await page.getByText('Loading the card form…').waitFor();
    await page.getByRole('button', { name: 'Save card', disabled: true }).waitFor();
    await checkPage(page);
    // Nothing is to be sent yet.
    await button(page).dispatchEvent('click');

    await page.clock.fastForward(5_000);
    assert.equal(await page.getByRole('alert').count(), 0);
    await page.clock.fastForward(5_000);
    await isTold(page, 'We could not reach our payment provider, so the card form is not here.');
    await page.getByRole('link', { name: 'Try again' }).waitFor();
    assert.equal(await button(page).isVisible(), false);
    await checkPage(page);

    release();
    await cardFrame(page).getByLabel('Card number').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    await checkPage(page);
    await save(page, VISA);
    await isSaved(page);
    assert.equal(await stored(customer), 'visa 4242 12/2034');
  });
}

test("a provider's script that comes late, but within the time, is waited for in silence", async () => {
  const customer = await service.customer();
  const page = await browser.page();
  pages.push(page);
  await page.clock.install();
  const release = await holdScript(page);
  await page.goto(customer.card_url, { waitUntil: 'commit' });
  await page.getByText('Loading the card form…').waitFor();
  await page.clock.fastForward(9_000);
  release();
  await cardFrame(page).getByLabel('Card number').waitFor();
  await page.clock.fastForward(9_000);
  assert.equal(await page.getByRole('alert').count(), 0);
  await save(page, VISA);
  await isSaved(page);
});

for (const [what, body] of [
  ['that throws', 'throw new Error("as it must");'],
  ['of something else', '/* nothing */'],
  ['that does not start', 'window.Stripe = () => { throw new Error("as it must"); };'],
]) {
  test(`a provider's script ${what} is as one that does not come`, async () => {
    const customer = await service.customer();
    const page = await browser.page();
    await page.route('**/test-cards/v3.js', route => route.fulfill({ contentType: 'text/javascript', body }));
    await page.goto(customer.card_url);
    await isTold(page, 'We could not reach our payment provider, so the card form is not here.');
    assert.equal(await button(page).isVisible(), false);
  });
}

/** Gives a request of the form no answer: one of the script's hangs, and the page's own leaves it as if it were stopped. */
async function stall(page, action) {
  const stalled = [];
  await page.route('**/l/*', async route => {
    const request = route.request();
    if (!request.postData()?.includes(`action=${action}`)) return route.continue();
    stalled.push(action);
    return request.isNavigationRequest() ? route.fulfill({ status: 204 }) : undefined;
  });
  return stalled;
}

for (const action of ['begin', 'finish']) {
  test(`after 20 s without an answer (to ${action}) the card may be sent again`, async () => {
    const customer = await service.customer();
    const page = await browser.page();
    pages.push(page);
    await page.clock.install();
    await page.goto(customer.card_url);
    const stalled = await stall(page, action);
    const asked = page.waitForRequest(request => request.postData()?.includes(`action=${action}`));
    await save(page, VISA);
    await asked;
    await page.clock.fastForward(19_000);
    await page.getByRole('button', { name: 'Save card', disabled: true }).waitFor();
    await button(page).dispatchEvent('click');
    await page.clock.fastForward(1_000);
    await isTold(page, 'The connection was lost. Nothing was lost, and it is safe to try again.');
    await page.getByRole('button', { name: 'Save card', disabled: false }).waitFor();
    assert.equal(stalled.length, 1);
    await page.unroute('**/l/*');
    await button(page).click();
    await isSaved(page);
    assert.equal(await stored(customer), 'visa 4242 12/2034');
    assert.deepEqual(await changes(customer), [['card']]);
  });
}

test('while the bank has its question answered, nothing is sent again however long that takes', async () => {
  const customer = await service.customer();
  const page = await browser.page();
  pages.push(page);
  await page.clock.install();
  await page.goto(customer.card_url);
  await save(page, ASKING);
  await page.frameLocator('iframe[title="Test authentication"]').getByRole('button', { name: 'Complete authentication', disabled: false }).waitFor();
  await page.clock.fastForward(300_000);
  assert.equal(await page.locator('#card button').getAttribute('aria-disabled'), 'true');
  await answerBank(page, 'Complete authentication');
  await isSaved(page);
});

test('a phone of 2020 saves a card', async () => {
  const customer = await service.customer();
  const page = await browser.page();
  pages.push(page);
  // The frames of the stand-in are for those who try the service out.
  await page.addInitScript(() => {
    if (window !== window.top) return;
    delete AbortSignal.timeout;
    delete AbortSignal.any;
    delete HTMLFormElement.prototype.requestSubmit;
    delete SubmitEvent.prototype.submitter;
    delete Object.hasOwn;
    delete Array.prototype.at;
    delete String.prototype.at;
    delete Element.prototype.checkVisibility;
    delete window.structuredClone;
  });
  await page.goto(customer.card_url);
  await save(page, VISA);
  await isSaved(page);
  await checkPage(page);
  assert.equal(await stored(customer), 'visa 4242 12/2034');
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
test('no number is in the log, nor in the database', async () => {
  const files = readdirSync(service.directory).map(name => path.join(service.directory, name));
  assert.ok(files.some(name => name.endsWith('customers.db')));
  const kept = [service.log, ...files.map(name => readFileSync(name, 'latin1'))];
  assert.ok(used.size > 5);
  for (const number of used) {
    if (number.length > 9) assert.ok(kept.every(text => !hasNumber(text, number)), `${number.slice(-4)} is kept`);
  }
  assert.ok(hasNumber('number=4242+4242%204242-4242', VISA), 'however it is written');
  const stripped = kept.map(text => text.replaceAll(/[^\x20-\x7e]/g, ''));
  assert.ok(stripped.some(text => text.includes('4242')), 'the last four digits are kept, so this looks at the right files');
});
