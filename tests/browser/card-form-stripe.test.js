// The form of a card with a provider of Stripe's interface: what is stored here, and what the provider has then.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, test } from 'node:test';

import { checkPage, DESKTOP, seen, startBrowser } from './support/browser.js';
import { hasNumber } from './support/forms.js';
import { authenticate, CARDS, fillCard, startLocalstripe } from './support/localstripe.js';
import { starting, stopAll } from '../support/process.js';
import { startService } from '../support/service.js';

let browser;
let stripe;
let line;
let service;
const pages = [];
let told = 0;
before(async () => {
  [browser, stripe] = await Promise.all([startBrowser(), startLocalstripe()]);
  line = await starting(Line.to(stripe.origin));
  service = await startService({
    CUSTOMERS_STRIPE_SECRET_KEY: stripe.secretKey,
    CUSTOMERS_STRIPE_PUBLISHABLE_KEY: stripe.publishableKey,
    CUSTOMERS_STRIPE_API_URL: line.origin,
    CUSTOMERS_STRIPE_JS_URL: stripe.script,
  });
});
afterEach(async () => {
  if (line) line.isCut = false;
  const sent = pages.splice(0).flatMap(page => seen(page).sent);
  await browser?.closePages();
  const withNumber = sent.filter(request => Object.values(CARDS).some(number => hasNumber(request, number)));
  told += withNumber.length;
  assert.deepEqual(withNumber.filter(request => !request.startsWith(`${stripe.origin}/`)), [], 'a number is sent to the provider alone');
});
after(stopAll);

/** The line between the service and the provider, which can be cut. Browsers have their own. */
class Line {
  isCut = false;
  asked = [];
  /** What becomes of the texts of answers. */
  alter = text => text;

  static async to(origin) {
    const line = new Line();
    line.server = createServer((incoming, answer) => {
      line.asked.push(`${incoming.method} ${incoming.url}`);
      if (line.isCut) {
        incoming.socket.destroy();
        return;
      }
      const { method, headers } = incoming;
      const onward = ask(origin + incoming.url, { method, headers }, async reply => {
        const { 'content-length': _, ...kept } = reply.headers;
        answer.writeHead(reply.statusCode, kept).end(line.alter(await text(reply)));
      });
      onward.on('error', () => incoming.socket.destroy());
      incoming.pipe(onward);
    });
    line.server.listen(0, '127.0.0.1');
    await once(line.server, 'listening');
    line.origin = `http://127.0.0.1:${line.server.address().port}`;
    return line;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise(resolve => this.server.close(resolve));
  }
}

async function open(customer, look) {
  const page = await browser.page(look);
  pages.push(page);
  await page.goto(customer.card_url);
  return page;
}

const again = customer => service.api('GET', `/v1/customers/${customer.id}`);
const last4 = async customer => (await service.api('GET', `/v1/customers/${customer.id}/card`)).last4;
const hasNone = customer => assert.rejects(last4(customer), /answered 404/);

const button = page => page.getByRole('button', { name: 'Save card' });
const isSaved = page => page.getByRole('heading', { level: 1, name: 'Your card is saved' }).waitFor();
const isTold = (page, text) => page.getByRole('alert').filter({ hasText: text }).waitFor();
const check = (page, ...failures) => checkPage(page, { origins: [stripe.origin], failures });

async function save(page, number) {
  await fillCard(page, page.getByRole('group', { name: 'Card details' }), number);
  await button(page).click();
}

/** Who the customer is at the provider: all that he is there. */
async function atProvider(customer) {
  const found = [];
  let last;
  for (;;) {
    const { data, has_more } = await stripe.api('GET', `/v1/customers?limit=100${last ? `&starting_after=${last}` : ''}`);
    found.push(...data.filter(({ metadata }) => metadata?.customer_id === customer.id));
    if (!has_more) return found;
    last = data.at(-1).id;
  }
}

/** The last digits of the cards that the provider has of the customer. */
async function attached(customer) {
  const [known] = await atProvider(customer);
  const { data } = await stripe.api('GET', `/v1/payment_methods?customer=${known.id}&type=card`);
  return data.map(({ card }) => card.last4).sort();
}

/** Looks again and again until the provider has these cards: what is removed is removed after the answer. */
async function hasAttached(customer, wanted) {
  const until = Date.now() + 30_000;
  let now;
  do now = await attached(customer);
  while (now.join() !== wanted.join() && Date.now() < until);
  assert.deepEqual(now, wanted);
}

test('a card is saved here in brief, and at the provider, who learns the number of the customer alone', async () => {
  const customer = await service.customer({ email: 'yogi@berra.com', first_name: 'Yogi' });
  const page = await open(customer);
  await page.getByText('Test mode: no real cards').waitFor();
  await page.getByRole('group', { name: 'Card details' }).getByPlaceholder('number', { exact: true }).waitFor();
  await check(page);
  await save(page, CARDS.good);
  await isSaved(page);
  await page.getByText('Visa ending in 4242, expires 12/2034').waitFor();
  await check(page);
  const { updated_at, ...card } = await service.api('GET', `/v1/customers/${customer.id}/card`);
  assert.deepEqual(card, { brand: 'visa', last4: '4242', exp_month: 12, exp_year: 2034 });
  assert.ok(updated_at);
  assert.deepEqual(await attached(customer), ['4242']);
  const [known] = await atProvider(customer);
  assert.deepEqual(known.metadata, { customer_id: customer.id });
  assert.deepEqual([known.name, known.email, known.phone].filter(Boolean), []);
});

test('a card that takes the place of another is kept, the other is removed at the provider, and he is one customer there', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await save(page, CARDS.good);
  await isSaved(page);

  const next = await again(customer);
  const other = await open(next, { viewport: DESKTOP, dark: true });
  await other.getByText('Visa ending in 4242').waitFor();
  await check(other);
  await save(other, CARDS.otherGood);
  await isSaved(other);
  assert.equal(await last4(customer), '4444');
  await hasAttached(customer, ['4444']);
  assert.equal((await atProvider(customer)).length, 1);
  assert.equal((await page.goto(customer.card_url)).status(), 410);
});

test('a declined card is told, and a good one is saved after it', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await save(page, CARDS.declined);
  await isTold(page, 'Your bank declined this card');
  await check(page, /\/confirm: 402$/);
  await hasNone(customer);
  await save(page, CARDS.good);
  await isSaved(page);
  assert.equal(await last4(customer), '4242');
  assert.deepEqual(await attached(customer), ['4242']);
});

test('the bank asks, and the card is saved when the customer proved himself', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await save(page, CARDS.authenticated);
  await authenticate(page, false);
  await isTold(page, /could not/);
  await hasNone(customer);
  await button(page).click();
  await authenticate(page);
  await isSaved(page);
  assert.equal(await last4(customer), CARDS.authenticated.slice(-4));
  assert.deepEqual(await attached(customer), [CARDS.authenticated.slice(-4)]);
});

test('while the bank needs a moment the page says so, and looking again shows the card', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  line.alter = text => text.replace('"status": "succeeded"', '"status": "processing"');
  try {
    await save(page, CARDS.good);
    await page.getByText('Your bank needs a moment to confirm the card.').waitFor();
    await check(page);
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByText('Your bank needs a moment to confirm the card.').waitFor();
    await hasNone(customer);
  } finally {
    line.alter = text => text;
  }
  await page.getByRole('button', { name: 'Look again' }).click();
  await isSaved(page);
  assert.equal(await last4(customer), '4242');
});

test('a card that is deleted here is removed at the provider', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await save(page, CARDS.good);
  await isSaved(page);
  await service.api('DELETE', `/v1/customers/${customer.id}/card`);
  await hasNone(customer);
  await hasAttached(customer, []);
});

test('two quick taps save one card', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await fillCard(page, page.getByRole('group', { name: 'Card details' }));
  await button(page).dblclick();
  await isSaved(page);
  assert.deepEqual(await attached(customer), ['4242']);
  assert.equal((await atProvider(customer)).length, 1);
});

test('where the service cannot reach the provider the page says that nothing was lost, and the next try succeeds', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  line.isCut = true;
  await save(page, CARDS.good);
  await isTold(page, 'We could not save your card just now. Nothing was lost, and it is safe to try again.');
  await check(page, /\/l\/\w+: 503$/);
  await hasNone(customer);
  line.isCut = false;
  await button(page).click();
  await isSaved(page);
  assert.equal(await last4(customer), '4242');
  assert.equal((await atProvider(customer)).length, 1);
});

test('a card that the provider has, but could not tell of, is saved when the customer tries again, and is one', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await page.route('**/confirm', async route => {
    const answer = await route.fetch();
    line.isCut = true;
    await route.fulfill({ response: answer });
  });
  await save(page, CARDS.good);
  await isTold(page, 'We could not save your card just now');
  await check(page);
  await hasNone(customer);
  assert.deepEqual(await attached(customer), ['4242']);

  line.isCut = false;
  await page.unroute('**/confirm');
  await save(page, CARDS.good);
  await isSaved(page);
  assert.equal(await last4(customer), '4242');
  assert.deepEqual(await attached(customer), ['4242']);
});

test('a removal that the provider did not hear of is made later', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await save(page, CARDS.good);
  await isSaved(page);
  line.isCut = true;
  const before = line.asked.length;
  await service.api('DELETE', `/v1/customers/${customer.id}/card`);
  const until = Date.now() + 30_000;
  do await service.api('GET', `/v1/customers/${customer.id}`);
  while (!line.asked.slice(before).some(asked => asked.includes('/detach')) && Date.now() < until);
  assert.deepEqual(await attached(customer), ['4242']);
  line.isCut = false;
  await hasAttached(customer, []);
});

test('where browsers cannot reach the provider the page says so, and offers to try again', async () => {
  const page = await browser.page();
  pages.push(page);
  const customer = await service.customer();
  await page.route(`${stripe.origin}/**`, route => route.abort('connectionrefused'));
  await page.goto(customer.card_url);
  await isTold(page, 'We could not reach our payment provider, so the card form is not here.');
  await check(page, /js\.stripe\.com.*ERR_CONNECTION_REFUSED/);
  await page.unroute(`${stripe.origin}/**`);
  await page.getByRole('link', { name: 'Try again' }).click();
  await save(page, CARDS.good);
  await isSaved(page);
});

// The last two, so that they look at what all the others left.
test('no number is in the log, nor in the database', () => {
  const files = readdirSync(service.directory).map(name => path.join(service.directory, name));
  const kept = [service.log, ...files.map(name => readFileSync(name, 'latin1'))];
  for (const number of Object.values(CARDS)) {
    assert.ok(kept.every(text => !hasNumber(text, number)), `${number.slice(-4)} is kept`);
  }
  assert.ok(kept.every(text => !text.includes(stripe.secretKey)), 'nor is the key');
  assert.ok(told > 0, 'numbers are found where they must be: on the way to the provider');
});

test('where the provider is no more the customer reads so, and keeps the card that he has', async () => {
  const customer = await service.customer();
  const page = await open(customer);
  await save(page, CARDS.good);
  await isSaved(page);
  const next = await open(await again(customer));
  await fillCard(next, next.getByRole('group', { name: 'Card details' }), CARDS.otherGood);
  await stripe.stop();
  await button(next).click();
  await isTold(next, 'We could not save your card just now. Nothing was lost');
  await check(next, /\/l\/\w+: 503$/);
  assert.equal(await last4(customer), '4242');
});
