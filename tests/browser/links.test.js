// Every page that a link opens, or does not: for everyone to read, on any screen, and nobody else hears of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkPage, DESKTOP, PHONE } from './support/browser.js';
import { browser, service, useBrowserAndService } from './support/world.js';

useBrowserAndService();

const looks = [
  { on: 'a phone', viewport: PHONE },
  { on: 'a desktop', viewport: DESKTOP },
  { on: 'a phone in the dark', viewport: PHONE, dark: true },
  { on: 'a desktop in the dark', viewport: DESKTOP, dark: true },
  { on: 'a phone without scripts', viewport: PHONE, javaScript: false },
];

for (const { on, ...look } of looks) {
  test(`a link that leads nowhere is a page to read on ${on}`, async () => {
    const page = await browser.page(look);
    const answer = await page.goto(service.url('/l/abcdefGHIJ12'));
    assert.equal(answer.status(), 404);
    assert.match(await page.getByRole('heading', { level: 1 }).textContent(), /cannot find this page/);
    await checkPage(page);
  });

  test(`each link of a customer opens a page to read on ${on}`, async () => {
    const customer = await service.customer();
    for (const name of ['billing_address_url', 'shipping_address_url', 'card_url']) {
      const page = await browser.page(look);
      const answer = await page.goto(customer[name]);
      assert.equal(answer.status(), 200);
      await checkPage(page);
    }
  });
}

test('the dark is dark', async () => {
  const paper = async dark => {
    const page = await browser.page({ dark });
    await page.goto(service.url('/l/abcdefGHIJ12'));
    return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  };
  assert.notEqual(await paper(true), await paper(false));
});
