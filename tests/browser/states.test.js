// The pages that customers come upon when something is otherwise: each is a page to read, and leads on where it can.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkPage, PHONE } from './support/browser.js';
import { cardFrame, fillAddress, filled, fillTestCard, MONTREAL } from './support/forms.js';
import { startService } from '../support/service.js';
import { browser, SCRIPTS, service, useBrowserAndService } from './support/world.js';

useBrowserAndService();

const looks = [
  { on: 'a phone', viewport: PHONE },
  { on: 'a phone in the dark', viewport: PHONE, dark: true },
];

async function open(url, look) {
  const page = await browser.page(look);
  await page.goto(url);
  return page;
}

const heading = (page, text) => page.getByRole('heading', { level: 1, name: text }).waitFor();
const saveAddress = page => page.getByRole('button', { name: 'Save address' }).click();
const addressIsSaved = page => page.getByRole('status').filter({ hasText: 'Your address is saved.' }).waitFor();
const billing = async customer => (await service.api('GET', `/v1/customers/${customer.id}/addresses`)).billing;
const last4 = async customer => (await service.api('GET', `/v1/customers/${customer.id}/card`)).last4;

/** Enters a card as far as its provider: the page is stopped on its way to what came of it. */
async function confirmCard(customer, number) {
  const page = await open(customer.card_url);
  await fillTestCard(page, number);
  const leaving = new Promise(resolve => {
    page.route('**/l/*', async route => {
      if (!route.request().isNavigationRequest()) return route.continue();
      await route.fulfill({ status: 204 });
      return resolve();
    });
  });
  const confirmed = page.waitForResponse('**/setups/confirm');
  await page.getByRole('button', { name: 'Save card' }).click();
  if ((await confirmed).ok()) await leaving;
  else await page.getByRole('alert').waitFor();
  await page.unroute('**/l/*');
}

for (const { on, ...look } of looks) {
  test(`a form that another page made up is refused, and the page leads back to the form on ${on}`, async () => {
    const customer = await service.customer();
    for (const [url, form, button] of [
      [customer.billing_address_url, '#address', 'Save address'],
      [customer.card_url, '#card', 'Save card'],
    ]) {
      const page = await open(url, look);
      await page.locator('[name=form_token]').evaluate(input => (input.value = '0'.repeat(input.value.length)));
      const answered = page.waitForResponse(response => response.request().isNavigationRequest());
      await page.locator(form).evaluate(element => HTMLFormElement.prototype.submit.call(element));
      assert.equal((await answered).status(), 403);
      await heading(page, 'Please open the link again');
      await checkPage(page);
      await page.getByRole('link', { name: 'Open the form again' }).click();
      await page.getByRole('button', { name: button }).waitFor();
    }
    assert.equal(await billing(customer), null);
  });

  test(`who opened too many wrong links reads that he must wait on ${on}`, async () => {
    const guessed = await startService();
    for (let guess = 0; guess < 30; guess += 1) {
      const code = `abcdefGHIJ${10 + guess}`;
      assert.equal((await fetch(guessed.url(`/l/${code}`))).status, 404);
    }
    const page = await browser.page(look);
    const answer = await page.goto((await guessed.customer()).billing_address_url);
    assert.equal(answer.status(), 429);
    await heading(page, 'Too many attempts');
    await checkPage(page);
    await guessed.stop();
  });

  test(`where there is no card provider the page says that cards are not taken, and addresses are, on ${on}`, async () => {
    const without = await startService({}, { dev: false });
    const customer = await without.customer();
    const page = await open(customer.card_url, look);
    await page.getByText('We cannot take cards yet. Please ask us in the chat how to pay.').waitFor();
    await checkPage(page);
    const other = await open(customer.billing_address_url, look);
    await fillAddress(other, MONTREAL);
    await saveAddress(other);
    await addressIsSaved(other);
    await checkPage(other);
    await without.stop();
  });
}

test('a program that previews a link sees nothing of the customer, and changes nothing', async () => {
  const customer = await service.customer();
  await service.api('PUT', `/v1/customers/${customer.id}/addresses/billing`, MONTREAL);
  for (const name of ['billing_address_url', 'shipping_address_url', 'card_url']) {
    const page = await open(customer[name], { userAgent: 'WhatsApp/2.23.20.0' });
    await heading(page, 'Your details');
    assert.equal(await page.locator('form').count(), 0);
    assert.doesNotMatch(await page.content(), /Berra|Montr|address|card"/);
    await checkPage(page);
    assert.equal((await page.context().cookies()).length, 0);
  }
});

for (const { how, javaScript } of SCRIPTS) {
  test(`back from the bank the card is saved ${how}`, async () => {
    const customer = await service.customer();
    await confirmCard(customer, '4242 4242 4242 4242');
    const page = await open(`${customer.card_url}?setup_intent=seti_1&redirect_status=succeeded`, { javaScript });
    if (!javaScript) {
      await heading(page, 'Almost done');
      await checkPage(page);
      await page.getByRole('button', { name: 'Continue' }).click();
    }
    await heading(page, 'Your card is saved');
    await checkPage(page);
    assert.equal(await last4(customer), '4242');
  });
}

test('back from the bank on a phone of 2020 the card is saved', async () => {
  const customer = await service.customer();
  await confirmCard(customer, '4242 4242 4242 4242');
  const page = await browser.page();
  await page.addInitScript(() => delete HTMLFormElement.prototype.requestSubmit);
  await page.goto(`${customer.card_url}?setup_intent=seti_1&redirect_status=succeeded`);
  await heading(page, 'Your card is saved');
});

test('back from the bank with a card that was refused, the form says so and takes another', async () => {
  const customer = await service.customer();
  await confirmCard(customer, '4000 0000 0000 0002');
  const page = await open(`${customer.card_url}?setup_intent=seti_1&redirect_status=failed`);
  await page.getByRole('alert').filter({ hasText: 'Your bank declined this card' }).waitFor();
  await cardFrame(page).getByLabel('Card number').waitFor();
  await checkPage(page);
  await fillTestCard(page, '5555 5555 5555 4444');
  await page.getByRole('button', { name: 'Save card' }).click();
  await heading(page, 'Your card is saved');
  assert.equal(await last4(customer), '4444');
});

for (const { how, javaScript } of SCRIPTS) {
  test(`while the store is away nothing typed is lost, and it is saved when it is back ${how}`, async () => {
    const customer = await service.customer();
    const page = await open(customer.billing_address_url, { javaScript });
    await fillAddress(page, MONTREAL);
    const unlock = await service.lock();
    const answered = page.waitForResponse(response => response.request().method() === 'POST');
    await saveAddress(page);
    const answer = await answered;
    assert.equal(answer.status(), 503);
    assert.ok(await answer.headerValue('retry-after'));
    await page.getByRole('alert').filter({ hasText: 'We could not save your address just now.' }).waitFor();
    assert.deepEqual({ ...(await filled(page)), region: 'QC' }, { ...MONTREAL, line2: '' });
    await checkPage(page);

    await unlock();
    await saveAddress(page);
    await addressIsSaved(page);
    assert.deepEqual(await billing(customer), MONTREAL);
  });
}
