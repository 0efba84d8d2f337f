// The forms of the addresses, as customers fill them in: on a phone and on a desktop, with and without JavaScript.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkPage, DESKTOP, PHONE } from './support/browser.js';
import { BERLIN, errorOf, field, fields, fillAddress, filled, focused, MONTREAL, tabTo } from './support/forms.js';
import { openAddressForm as open, SCRIPTS, service, storedAddress as stored, useBrowserAndService } from './support/world.js';

useBrowserAndService();

const heading = page => page.getByRole('heading', { level: 1 });
const save = page => page.getByRole('button', { name: 'Save address' }).click();
const isSaved = page => page.getByRole('status').filter({ hasText: 'Your address is saved.' }).waitFor();
const choose = (page, country) => field(page, 'country').selectOption(country);

/** Types into the field that has the focus, and goes on by Tab until all is typed. */
async function typeOn(page, { country: _, ...address }) {
  const left = new Map(Object.entries(address).filter(([, text]) => text !== null));
  for (let pressed = 0; left.size > 0; pressed += 1) {
    assert.ok(pressed < 30, `Tab does not lead to ${[...left.keys()].join(', ')}`);
    await page.keyboard.press('Tab');
    const name = await focused(page);
    if (left.has(name)) await page.keyboard.type(left.get(name));
    left.delete(name);
  }
}

for (const { purpose, on, ...look } of [
  { purpose: 'billing', on: 'a phone', viewport: PHONE },
  { purpose: 'billing', on: 'a desktop in the dark', viewport: DESKTOP, dark: true },
  { purpose: 'billing', on: 'a phone without JavaScript', viewport: PHONE, javaScript: false },
  { purpose: 'shipping', on: 'a desktop', viewport: DESKTOP },
  { purpose: 'shipping', on: 'a phone in the dark', viewport: PHONE, dark: true },
  { purpose: 'shipping', on: 'a desktop without JavaScript', viewport: DESKTOP, javaScript: false },
]) {
  test(`a ${purpose} address is filled in by keyboard alone on ${on}`, async () => {
    const customer = await service.customer();
    const page = await open(customer, { purpose, ...look });
    await checkPage(page);

    await tabTo(page, 'country');
    await page.keyboard.type('Germany');
    if (look.javaScript === false) {
      await tabTo(page, 'Update fields');
      await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    } else {
      await field(page, 'region').waitFor({ state: 'hidden' });
    }
    await typeOn(page, BERLIN);
    await checkPage(page);
    await page.keyboard.press('Enter');

    await isSaved(page);
    await checkPage(page);
    assert.deepEqual(await stored(customer, purpose), BERLIN);
  });
}

test('the form speaks the language of the browser', async () => {
  const customer = await service.customer();
  for (const [locale, language, ...headings] of [
    ['en-GB', 'en', 'Your billing address', 'Your shipping address'],
    ['de-AT', 'de', 'Ihre Rechnungsadresse', 'Ihre Lieferadresse'],
    ['fr-CA', 'fr', 'Votre adresse de facturation', 'Votre adresse de livraison'],
    ['es-MX', 'es', 'Su dirección de facturación', 'Su dirección de envío'],
    ['nl-NL', 'en', 'Your billing address', 'Your shipping address'],
  ]) {
    for (const [at, purpose] of ['billing', 'shipping'].entries()) {
      const page = await open(customer, { purpose, locale });
      assert.deepEqual([await page.locator('html').getAttribute('lang'), await heading(page).textContent()], [language, headings[at]]);
      if (purpose === 'billing') await checkPage(page);
    }
  }
});

for (const { how, javaScript } of SCRIPTS) {
  test(`what is wrong is said in the language of the browser ${how}`, async () => {
    const page = await open(await service.customer(), { locale: 'de-DE', javaScript });
    await fillAddress(page, { ...MONTREAL, postal_code: '12345' });
    await page.getByRole('button', { name: 'Adresse speichern' }).click();
    await page.getByRole('alert').waitFor();
    assert.match(await errorOf(page, 'postal_code'), /„Postleitzahl“.*H3Z 2Y7/);
    await checkPage(page);
  });
}

const CANADA = [
  ['name', 'Full name', true],
  ['company', 'Company (optional)', false],
  ['line1', 'Street and house number', true],
  ['line2', 'Apartment, floor or other details (optional)', false],
  ['city', 'City', true],
  ['region', 'Province', true],
  ['postal_code', 'Postal code', true],
];
const IRELAND = [
  ...CANADA.slice(0, 4),
  ['city', 'City', true],
  ['region', 'County (optional)', false],
  ['postal_code', 'Eircode (optional)', false],
];
const HONG_KONG = [...CANADA.slice(0, 4), ['city', 'District (optional)', false], ['region', 'Area', true]];
const JAPAN = [...CANADA.slice(0, 4), ['region', 'Prefecture', true], ['postal_code', 'Postal code', true]];
const TYPED = { name: 'Siobhán Ní Bhriain', company: 'Áras', line1: '1 Quay', line2: 'Flat 2', city: 'Gaillimh' };

test('another country has other labels, another order and other needs at once, and what was typed stays', async () => {
  const page = await open(await service.customer());
  assert.deepEqual(await fields(page), CANADA);
  await fillAddress(page, TYPED);

  await choose(page, 'IE');
  await page.getByLabel('Eircode').waitFor();
  assert.deepEqual(await fields(page), IRELAND);
  assert.deepEqual(await filled(page), { ...TYPED, postal_code: '', region: '', country: 'IE' });
  await checkPage(page);

  await choose(page, 'HK');
  await field(page, 'postal_code').waitFor({ state: 'hidden' });
  assert.deepEqual(await fields(page), HONG_KONG);
  assert.deepEqual(await filled(page), { ...TYPED, region: '', country: 'HK' });

  await choose(page, 'JP');
  await page.getByLabel('Prefecture').waitFor();
  const seenNow = await fields(page);
  assert.deepEqual(seenNow.slice(0, JAPAN.length), JAPAN);
  assert.deepEqual(seenNow.slice(JAPAN.length).map(([name]) => name), ['city'], 'what was typed is not lost from sight');
  await checkPage(page);

  await choose(page, 'CA');
  await page.getByLabel('Province').waitFor();
  assert.deepEqual(await fields(page), CANADA);
  assert.deepEqual(await filled(page), { ...TYPED, postal_code: '', region: '', country: 'CA' });
});

test('who types on while the fields change loses nothing', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  let release;
  const held = new Promise(resolve => (release = resolve));
  await page.route('**/l/*', async route => {
    if (route.request().method() === 'POST') await held;
    await route.continue();
  });
  await choose(page, 'IE');
  await field(page, 'name').focus();
  await page.keyboard.type('Siobhán');
  release();
  await page.getByLabel('Eircode').waitFor();
  assert.equal(await focused(page), 'name');
  await page.keyboard.type(' Ní Bhriain');
  assert.equal(await field(page, 'name').inputValue(), 'Siobhán Ní Bhriain');
});

test('without JavaScript the fields follow the country by a button, and what was typed stays', async () => {
  const page = await open(await service.customer(), { javaScript: false });
  await fillAddress(page, TYPED);
  await choose(page, 'IE');
  await page.getByRole('button', { name: 'Update fields' }).click();
  await page.getByLabel('Eircode').waitFor();
  assert.deepEqual(await fields(page), IRELAND);
  assert.deepEqual(await filled(page), { ...TYPED, postal_code: '', region: '', country: 'IE' });
  await checkPage(page);
});

for (const { how, javaScript } of SCRIPTS) {
  test(`an address in another country than the one at first is saved at once ${how}`, async () => {
    const customer = await service.customer();
    const page = await open(customer, { javaScript });
    await choose(page, 'DE');
    await fillAddress(page, BERLIN);
    await save(page);
    await isSaved(page);
    assert.deepEqual(await stored(customer, 'billing'), BERLIN);
  });

  test(`a wrong postal code is told beside its field, nothing typed is lost, and corrected it is saved ${how}`, async () => {
    const customer = await service.customer();
    const page = await open(customer, { javaScript, dark: true });
    const wrong = { ...MONTREAL, postal_code: '12345' };
    await fillAddress(page, wrong);
    await save(page);

    const alert = page.getByRole('alert').filter({ hasText: 'Please check these fields' });
    await alert.waitFor();
    assert.match(await errorOf(page, 'postal_code'), /Please check “Postal code”: it should look like H3Z 2Y7/);
    assert.equal(await errorOf(page, 'city').catch(() => ''), '');
    assert.equal(await focused(page), 'postal_code');
    assert.deepEqual(await filled(page), { ...wrong, line2: '' });
    assert.equal(await stored(customer, 'billing'), null);
    await checkPage(page);

    await field(page, 'postal_code').fill('h3b4w5');
    if (javaScript) {
      assert.equal(await field(page, 'postal_code').getAttribute('aria-invalid'), null);
      assert.equal(await alert.count(), 0);
      await checkPage(page);
    }
    await save(page);
    await isSaved(page);
    assert.deepEqual(await stored(customer, 'billing'), MONTREAL);
    await checkPage(page);
  });

  test(`of several faults each is told, and the first has the focus ${how}`, async () => {
    const page = await open(await service.customer(), { javaScript });
    await fillAddress(page, { ...MONTREAL, name: '', line1: '4242 4242 4242 4242', region: 'Bavaria', postal_code: '' });
    await save(page);
    const alert = page.getByRole('alert').filter({ hasText: 'Please check these fields' });
    await alert.waitFor();
    assert.equal(await focused(page), 'name');
    assert.match(await errorOf(page, 'name'), /fill in “Full name”/);
    assert.match(await errorOf(page, 'line1'), /looks like a card number/);
    assert.match(await errorOf(page, 'region'), /choose “Province” from the list/);
    assert.match(await errorOf(page, 'postal_code'), /fill in “Postal code”/);
    await checkPage(page);

    await alert.getByRole('link', { name: /card number/ }).click();
    assert.ok(await field(page, 'line1').evaluate(input => input.getBoundingClientRect().bottom <= innerHeight));
    if (javaScript) assert.equal(await focused(page), 'line1');
  });
}
