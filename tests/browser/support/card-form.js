// The form of a card with the provider for tests that is built into the service, as people go through it.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach } from 'node:test';

import { DESKTOP, PHONE, seen } from './browser.js';
import { fillTestCard, hasNumber } from './forms.js';
import { browser, service, useBrowserAndService } from './world.js';

export const VISA = '4242 4242 4242 4242';
export const MASTERCARD = '5555 5555 5555 4444';
export const AMEX = '3782 822463 10005';
export const ASKING = '4000 0025 0000 3155';
export const DECLINED = '4000 0000 0000 0002';

/** The numbers that were entered, and the pages whose requests are yet to be looked at. */
export const used = new Set();
const pages = [];

/** A browser and a service for a test file in whose pages no request may have a number in it. */
export function useCardForm() {
  afterEach(() => {
    const sent = pages.splice(0).flatMap(page => seen(page).sent);
    for (const number of used) {
      assert.deepEqual(sent.filter(request => hasNumber(request, number)), [], 'no request has a number in it');
    }
  });
  useBrowserAndService();
}

/** A page whose requests are looked at when the test is over. */
export async function cardPage(look) {
  const page = await browser.page(look);
  pages.push(page);
  return page;
}

export async function openUrl(url, look) {
  const page = await cardPage(look);
  await page.goto(url);
  return page;
}
export const open = (customer, look) => openUrl(customer.card_url, look);

/** The customer as he is now, with a link for now. */
export const again = customer => service.api('GET', `/v1/customers/${customer.id}`);

export async function stored(customer) {
  const { brand, last4, exp_month, exp_year } = await service.api('GET', `/v1/customers/${customer.id}/card`);
  return `${brand} ${last4} ${exp_month}/${exp_year}`;
}

export const hasNone = customer => assert.rejects(stored(customer), /answered 404/);

export async function changes(customer) {
  const events = await service.api('GET', `/v1/events?customer_id=${customer.id}`);
  return events.filter(({ type }) => type === 'customer.updated').map(({ data }) => data.changed);
}

export async function enter(page, number, more) {
  used.add(number);
  await fillTestCard(page, number, more);
}

export const button = page => page.getByRole('button', { name: 'Save card' });
export const heading = (page, text) => page.getByRole('heading', { level: 1, name: text }).waitFor();
export const isSaved = page => heading(page, 'Your card is saved');
export const isTold = (page, text) => page.getByRole('alert').filter({ hasText: text }).waitFor();
export const isMarkedAsTest = page => page.getByText('Test mode: no real cards').first().waitFor();
export const answerBank = (page, answer) =>
  page.frameLocator('iframe[title="Test authentication"]').getByRole('button', { name: answer }).click();

export async function save(page, number, more) {
  await enter(page, number, more);
  await button(page).click();
}

export const looks = [
  { on: 'a phone', viewport: PHONE },
  { on: 'a desktop', viewport: DESKTOP },
  { on: 'a phone in the dark', viewport: PHONE, dark: true },
  { on: 'a desktop in the dark', viewport: DESKTOP, dark: true },
];

/** Looks at what all tests of a file left, who entered at least so many numbers. */
export function checkNothingKept(least) {
  const files = readdirSync(service.directory).map(name => path.join(service.directory, name));
  assert.ok(files.some(name => name.endsWith('customers.db')));
  const kept = [service.log, ...files.map(name => readFileSync(name, 'latin1'))];
  assert.ok(used.size >= least);
  for (const number of used) {
    if (number.length > 9) assert.ok(kept.every(text => !hasNumber(text, number)), `${number.slice(-4)} is kept`);
  }
  assert.ok(hasNumber('number=4242+4242%204242-4242', VISA), 'however it is written');
  const stripped = kept.map(text => text.replaceAll(/[^\x20-\x7e]/g, ''));
  assert.ok(stripped.some(text => text.includes('4242')), 'the last four digits are kept, so this looks at the right files');
}
