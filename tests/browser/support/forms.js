// The customer's forms as people go through them: fields are found by what they are for, not by where they stand.

import assert from 'node:assert/strict';

/** Addresses as the API shows them. */
export const MONTREAL = {
  name: 'Yogi Berra',
  company: 'Dirty Lemon',
  line1: '1000, rue de la Gauchetière Ouest',
  line2: null,
  postal_code: 'H3B 4W5',
  city: 'Montréal',
  region: 'QC',
  country: 'CA',
};
export const BERLIN = {
  name: 'Jörg Groß',
  company: null,
  line1: 'Straße des 17. Juni 135',
  line2: 'Hinterhof, 2. Etage',
  postal_code: '10623',
  city: 'Berlin',
  region: null,
  country: 'DE',
};

/** How browsers name the fields when they fill them in. */
const TOKENS = {
  name: 'name',
  company: 'organization',
  line1: 'address-line1',
  line2: 'address-line2',
  postal_code: 'postal-code',
  city: 'address-level2',
  region: 'address-level1',
  country: 'country',
};
const names = Object.fromEntries(Object.entries(TOKENS).map(([name, token]) => [token, name]));

/** The field of an address, such as `postal_code`. */
export const field = (page, name) => page.locator(`[autocomplete$=" ${TOKENS[name]}"]`);

/** Types an address into the fields that the page has now. */
export async function fillAddress(page, { country: _, ...address }) {
  for (const [name, text] of Object.entries(address)) {
    if (await field(page, name).isVisible()) await field(page, name).fill(text ?? '');
  }
}

/** The text in each field that can be seen. */
export async function filled(page) {
  const found = {};
  for (const name of Object.keys(TOKENS)) {
    if (await field(page, name).isVisible()) found[name] = await field(page, name).inputValue();
  }
  return found;
}

/** The fields that can be seen, from above: `[name, label, whether it is required]`. */
export async function fields(page) {
  const found = await page.locator('input[autocomplete]:visible').evaluateAll(inputs =>
    inputs.map(input => [
      input.autocomplete.split(' ').at(-1),
      input.labels[0].textContent.trim(),
      input.required || input.ariaRequired === 'true',
    ]),
  );
  return found.map(([token, ...more]) => [names[token], ...more]);
}

/** What has the focus: the name of a field, or the text of a button. */
export async function focused(page) {
  const { token, text } = await page.evaluate(() => {
    const element = document.activeElement;
    return { token: element.autocomplete?.split(' ').at(-1), text: element.textContent.trim() };
  });
  return names[token] ?? text;
}

/** Presses Tab until something has the focus. */
export async function tabTo(page, wanted) {
  const passed = [];
  while (passed.length < 40) {
    await page.keyboard.press('Tab');
    const now = await focused(page);
    if (now === wanted) return;
    passed.push(now);
  }
  assert.fail(`Tab does not lead to ${wanted}, but to ${passed.join(', ')}`);
}

/** The message that is said beside a field. */
export async function errorOf(page, name) {
  const ids = (await field(page, name).getAttribute('aria-describedby')) ?? '';
  const texts = ids.split(' ').filter(Boolean).map(id => page.locator(`#${id}`).textContent());
  assert.equal(await field(page, name).getAttribute('aria-invalid'), texts.length ? 'true' : null);
  return (await Promise.all(texts)).join(' ');
}

/** The form of a card that the built-in provider for tests puts into the page. */
export const cardFrame = page => page.frameLocator('iframe[title="Test card"]');

/** Fills it in. */
export async function fillTestCard(page, number, { expiry = '12 / 34', code = '737' } = {}) {
  const frame = cardFrame(page);
  await frame.getByLabel('Card number').fill(number);
  await frame.getByLabel('Expiry date').fill(expiry);
  await frame.getByLabel('Security code').fill(code);
}

/** Whether a text has a card's number in it, however it is written. */
export function hasNumber(text, number) {
  const decoded = text.replaceAll(/%(20|2B|2D)|\\u00a0/gi, ' ');
  return new RegExp([...number.replaceAll(/\D/g, '')].join('[ +.-]{0,2}')).test(decoded);
}
