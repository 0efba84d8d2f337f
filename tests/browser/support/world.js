// What most test files are about: one browser and one service, of the file's own.

import { after, afterEach, before } from 'node:test';

import { startBrowser } from './browser.js';
import { stopAll } from '../../support/process.js';
import { startService } from '../../support/service.js';

/** There from the first test on. */
export let browser;
export let service;

/** Starts both before the first test of a file, closes the pages after each, and ends all that was started after the last. */
export function useBrowserAndService(settings) {
  before(async () => {
    [browser, service] = await Promise.all([startBrowser(), startService(settings)]);
  });
  afterEach(() => browser?.closePages());
  after(stopAll);
}

/** Pages work with and without: `javaScript` is for `browser.page`, `how` for the name of a test. */
export const SCRIPTS = [
  { how: 'with JavaScript', javaScript: true },
  { how: 'without JavaScript', javaScript: false },
];

/** The address of a customer that is stored, as the API shows it. */
export const storedAddress = async (customer, purpose) =>
  (await service.api('GET', `/v1/customers/${customer.id}/addresses`))[purpose];

/** Opens the form of one of a customer's addresses. */
export async function openAddressForm(customer, { purpose = 'billing', ...look } = {}) {
  const page = await browser.page(look);
  await page.goto(customer[`${purpose}_address_url`]);
  return page;
}
