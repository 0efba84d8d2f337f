// The form of a card, with the provider for tests that is built into the service: what is late, lost or gone.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkPage, seen } from './support/browser.js';
import {
  answerBank,
  ASKING,
  button,
  cardPage,
  changes,
  checkNothingKept,
  enter,
  hasNone,
  isSaved,
  isTold,
  looks,
  open,
  save,
  stored,
  useCardForm,
  VISA,
} from './support/card-form.js';
import { cardFrame } from './support/forms.js';
import { browser, service } from './support/world.js';

useCardForm();

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
    const page = await cardPage(look);
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
    const page = await cardPage(look);
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
  const page = await cardPage();
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
    const page = await cardPage();
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
  const page = await cardPage();
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
  const page = await cardPage();
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

// The last, so that it looks at what all the others left.
test('no number of those that were entered meanwhile is in the log, nor in the database', () => checkNothingKept(2));
