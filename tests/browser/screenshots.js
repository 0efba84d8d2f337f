// Writes docs/screenshots/: scripts/with-tools node tests/browser/screenshots.js

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { DESKTOP, startBrowser } from './support/browser.js';
import { heard, say, startDemo, wrong } from './support/conversation.js';
import { BERLIN, cardFrame, field, fillAddress, fillTestCard, MONTREAL } from './support/forms.js';
import { startService } from '../support/service.js';

const directory = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));
const PHONE = { width: 375, height: 667 };
const heading = page => page.getByRole('heading', { level: 1 });

await mkdir(directory, { recursive: true });
const [browser, demo, service] = await Promise.all([
  startBrowser(),
  startDemo(),
  startService({ CUSTOMERS_BRAND_NAME: 'Dirty Lemon', CUSTOMERS_BRAND_COLOR: '#1f6f5c' }),
]);

async function open(url, look) {
  const page = await browser.page({ viewport: PHONE, ...look });
  await page.goto(url);
  return page;
}

async function shoot(page, name, { fullPage = true, keepFocus = false } = {}) {
  if (!keepFocus) await page.evaluate(() => document.activeElement.blur());
  await page.screenshot({ path: `${directory}${name}.png`, fullPage, animations: 'disabled', caret: 'hide' });
}

try {
  const customer = await service.customer();
  let page = await open(customer.billing_address_url);
  await fillAddress(page, { ...MONTREAL, region: 'Québec' });
  await shoot(page, 'billing-phone');

  // As a phone shows it: from where the page was opened, at the first error.
  page = await open(customer.billing_address_url, { dark: true, viewport: { width: 375, height: 812 } });
  await fillAddress(page, { ...MONTREAL, region: 'Québec', postal_code: '12345' });
  await page.getByRole('button', { name: 'Save address' }).click();
  await page.getByRole('alert').waitFor();
  await shoot(page, 'billing-phone-dark-error', { fullPage: false, keepFocus: true });

  page = await open(customer.shipping_address_url, { viewport: DESKTOP, locale: 'de-DE' });
  await field(page, 'country').selectOption('DE');
  await field(page, 'region').waitFor({ state: 'hidden' });
  await fillAddress(page, BERLIN);
  await shoot(page, 'shipping-desktop-german');

  page = await open(customer.card_url);
  await fillTestCard(page, '4242 4242 4242 4242');
  await cardFrame(page).getByLabel('Security code').blur();
  await shoot(page, 'card-phone');

  await fillTestCard(page, '4000 0000 0000 0002');
  await page.getByRole('button', { name: 'Save card' }).click();
  await page.getByRole('alert').waitFor();
  await shoot(page, 'card-phone-declined');

  await fillTestCard(page, '4242 4242 4242 4242');
  await page.getByRole('button', { name: 'Save card' }).click();
  await heading(page).filter({ hasText: 'saved' }).waitFor();
  await shoot(page, 'card-saved-phone', { fullPage: false });

  page = await open(customer.card_url);
  await shoot(page, 'gone-phone', { fullPage: false });

  page = await open(demo.origin, { viewport: { width: 375, height: 812 } });
  await heard(page, 'What is your phone number?');
  await say(page, '(418) 581-0827');
  const [code] = await demo.codes('+14185810827', 1);
  await say(page, wrong(code));
  await heard(page, 'left');
  await say(page, code);
  const said = await heard(page, 'Your number is confirmed');
  const form = await browser.page({ beside: page });
  await form.goto(await said.getByRole('link', { name: 'Billing address' }).getAttribute('href'));
  await fillAddress(form, MONTREAL);
  await form.getByRole('button', { name: 'Save address' }).click();
  await heard(page, 'Nice to meet you');
  await shoot(page, 'conversation-phone', { fullPage: false });
} finally {
  await Promise.all([browser.stop(), service.stop(), demo.stop()]);
}
