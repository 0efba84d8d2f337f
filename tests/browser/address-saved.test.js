// The forms of the addresses once they are sent: saved, opened again, in two tabs, too late.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { checkPage, seen } from './support/browser.js';
import { BERLIN, field, fillAddress, filled, MONTREAL } from './support/forms.js';
import { browser, openAddressForm as open, SCRIPTS, service, storedAddress as stored, useBrowserAndService } from './support/world.js';

useBrowserAndService();

const store = (customer, purpose, address) =>
  service.api('PUT', `/v1/customers/${customer.id}/addresses/${purpose}`, address);

const heading = page => page.getByRole('heading', { level: 1 });
const save = page => page.getByRole('button', { name: 'Save address' }).click();
const isSaved = page => page.getByRole('status').filter({ hasText: 'Your address is saved.' }).waitFor();

for (const { how, javaScript } of SCRIPTS) {
  test(`who comes again finds his address, and corrects it ${how}`, async () => {
    const customer = await service.customer();
    await store(customer, 'shipping', MONTREAL);
    const page = await open(customer, { purpose: 'shipping', javaScript });
    const { region, ...rest } = await filled(page);
    assert.match(region, /^Qu[eé]bec$/, 'a name, where programs see QC');
    assert.deepEqual({ ...rest, region: 'QC' }, { ...MONTREAL, line2: '' });
    await checkPage(page);
    await field(page, 'line2').fill('Suite 500');
    await save(page);
    await isSaved(page);
    assert.deepEqual(await stored(customer, 'shipping'), { ...MONTREAL, line2: 'Suite 500' });
  });

  test(`back after saving leads to a form that can be used ${how}`, async () => {
    const customer = await service.customer();
    const page = await open(customer, { javaScript });
    await fillAddress(page, MONTREAL);
    await save(page);
    await isSaved(page);
    await page.goBack();
    await heading(page).filter({ hasText: 'Your billing address' }).waitFor();
    await checkPage(page);
    await fillAddress(page, { city: 'Québec' });
    await save(page);
    await isSaved(page);
    assert.equal((await stored(customer, 'billing')).city, 'Québec');
  });

  test(`a saved address is not sent again by reloading ${how}`, async () => {
    const customer = await service.customer();
    const page = await open(customer, { javaScript });
    await fillAddress(page, MONTREAL);
    await save(page);
    await isSaved(page);
    await page.reload();
    await heading(page).waitFor();
    const events = await service.api('GET', `/v1/events?customer_id=${customer.id}`);
    assert.deepEqual(events.filter(({ type }) => type === 'customer.updated').map(({ data }) => data.changed), [['billing_address']]);
  });

  test(`of two tabs with the same link both save, and the last one wins ${how}`, async () => {
    const customer = await service.customer();
    const one = await open(customer, { javaScript });
    const other = await browser.page({ beside: one });
    await other.goto(customer.billing_address_url);
    await fillAddress(one, MONTREAL);
    await fillAddress(other, { ...MONTREAL, name: 'Carmen Berra' });
    await save(other);
    await isSaved(other);
    await save(one);
    await isSaved(one);
    assert.deepEqual(await stored(customer, 'billing'), MONTREAL);
  });

  test(`a link that is opened twice from a chat on another site saves in both tabs ${how}`, async () => {
    const customer = await service.customer();
    const chat = createServer((_, answer) => {
      const html = `<a href="${customer.billing_address_url}" target="_blank" rel="noreferrer">Your address</a>`;
      answer.writeHead(200, { 'Content-Type': 'text/html' }).end(html);
    });
    chat.listen(0, '127.0.0.1');
    await once(chat, 'listening');
    try {
      const page = await browser.page({ javaScript });
      // Another site than 127.0.0.1, as chats in a browser are.
      await page.goto(`http://localhost:${chat.address().port}/`);
      const tabs = [];
      for (let tab = 0; tab < 2; tab += 1) {
        const [opened] = await Promise.all([page.waitForEvent('popup'), page.getByRole('link').click()]);
        await heading(opened).waitFor();
        tabs.push(opened);
      }
      for (const [at, tab] of tabs.entries()) {
        await fillAddress(tab, { ...MONTREAL, city: `Montréal ${at}` });
        await save(tab);
        await heading(tab).waitFor();
        assert.equal(await heading(tab).textContent(), 'Your billing address');
        await isSaved(tab);
        assert.equal((await stored(customer, 'billing')).city, `Montréal ${at}`);
      }
    } finally {
      chat.closeAllConnections();
      chat.close();
    }
  });

  test(`a billing address is the shipping address by one tap ${how}`, async () => {
    const customer = await service.customer();
    await store(customer, 'shipping', BERLIN);
    const page = await open(customer, { javaScript });
    await checkPage(page);
    await page.getByRole('button', { name: 'Use my shipping address' }).click();
    await isSaved(page);
    await checkPage(page);
    assert.deepEqual(await stored(customer, 'billing'), BERLIN);
    assert.equal((await filled(page)).city, 'Berlin');
  });

  test(`the Enter key saves what was typed, also where the shipping address could be taken ${how}`, async () => {
    const customer = await service.customer();
    await store(customer, 'shipping', BERLIN);
    const page = await open(customer, { javaScript });
    await fillAddress(page, MONTREAL);
    await field(page, 'city').press('Enter');
    await isSaved(page);
    assert.deepEqual(await stored(customer, 'billing'), MONTREAL);
  });
}

test('there is nothing to copy where there is no shipping address, nor from billing to shipping', async () => {
  const customer = await service.customer();
  assert.equal(await (await open(customer)).getByRole('button', { name: /shipping/ }).count(), 0);
  await store(customer, 'billing', MONTREAL);
  await store(customer, 'shipping', MONTREAL);
  assert.equal(await (await open(customer, { purpose: 'shipping' })).getByRole('button', { name: /Use my/ }).count(), 0);
});

test('two quick taps save once', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await fillAddress(page, MONTREAL);
  await page.getByRole('button', { name: 'Save address' }).dblclick();
  await isSaved(page);
  const posts = seen(page).sent.filter(sent => sent.includes('action=save'));
  assert.equal(posts.length, 1);
});

for (const [by, send] of [
  ['a tap', save],
  ['the Enter key', page => field(page, 'city').press('Enter')],
]) {
  test(`while it is being saved by ${by}, the button says so`, async () => {
    const page = await open(await service.customer());
    await fillAddress(page, MONTREAL);
    // An answer that leaves the page as it was when the form was sent.
    await page.route('**/l/*', route => route.fulfill({ status: 204 }));
    await send(page);
    await page.getByRole('button', { name: 'Saving…', disabled: true }).waitFor();
    await page.getByRole('status').filter({ hasText: 'Saving…' }).waitFor();
    await checkPage(page);
  });
}

test('after 20 s without an answer the address may be sent again', async () => {
  const customer = await service.customer();
  const page = await browser.page();
  await page.clock.install();
  await page.goto(customer.billing_address_url);
  await fillAddress(page, MONTREAL);
  const stopped = [];
  // An answer that leaves the page as it was when the form was sent, as it is where the customer presses "Stop".
  await page.route('**/l/*', route => {
    stopped.push(route.request().method());
    return route.fulfill({ status: 204 });
  });
  await save(page);
  await page.clock.fastForward(19_000);
  await page.getByRole('button', { name: 'Saving…', disabled: true }).dispatchEvent('click');
  await page.clock.fastForward(1_000);
  await page.getByRole('button', { name: 'Save address', disabled: false }).waitFor();
  assert.equal(await page.locator('#progress').textContent(), '');
  await checkPage(page);
  assert.deepEqual(stopped, ['POST']);
  await page.unroute('**/l/*');
  await save(page);
  await isSaved(page);
  assert.deepEqual(await stored(customer, 'billing'), MONTREAL);
});

test('a phone of 2020 saves an address, also one that is copied', async () => {
  const customer = await service.customer();
  await store(customer, 'shipping', BERLIN);
  const page = await browser.page();
  await page.addInitScript(() => {
    delete AbortSignal.timeout;
    delete HTMLFormElement.prototype.requestSubmit;
    delete SubmitEvent.prototype.submitter;
    delete Object.hasOwn;
    delete Array.prototype.at;
  });
  await page.goto(customer.billing_address_url);
  await page.getByRole('button', { name: 'Use my shipping address' }).click();
  await isSaved(page);
  await fillAddress(page, { city: 'Potsdam' });
  await save(page);
  await isSaved(page);
  await checkPage(page);
  assert.deepEqual(await stored(customer, 'billing'), { ...BERLIN, city: 'Potsdam' });
});

for (const { how, javaScript } of SCRIPTS) {
  test(`a link that expired while its form was open tells so, and saves nothing ${how}`, async () => {
    const customer = await service.customer();
    const page = await open(customer, { javaScript });
    await fillAddress(page, MONTREAL);
    await service.expireLinks(customer);
    const other = await browser.page({ beside: page });
    assert.equal((await other.goto(customer.billing_address_url)).status(), 410);

    await save(page);
    await heading(page).filter({ hasText: 'This link has expired' }).waitFor();
    assert.match(await page.getByRole('main').textContent(), /ask us for a new one in the chat/);
    await checkPage(page);
    assert.equal(await stored(customer, 'billing'), null);
  });
}
