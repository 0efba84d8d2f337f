// The tests' own tools: what they must find in a page they find, and the card form of the tests' own Stripe works.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, afterEach, before, test } from 'node:test';

import { checkAccessibility, checkConduct, checkHtml, checkPage, checkWidth, seen, startBrowser } from './support/browser.js';
import { authenticate, CARDS, fillCard, startLocalstripe } from './support/localstripe.js';
import { stopAll } from '../support/process.js';

const BASE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

let browser;
let stripe;
let server;
let pages;
before(async () => {
  pages = {};
  server = createServer((request, response) => {
    const { status = 200, policy = BASE, type = 'text/html; charset=utf-8', body } = pages[request.url] ?? { status: 404 };
    response.writeHead(status, { 'Content-Type': type, 'Content-Security-Policy': policy }).end(body);
  });
  server.listen(0, '127.0.0.1');
  [browser, stripe] = await Promise.all([startBrowser(), startLocalstripe(), once(server, 'listening')]);
});
afterEach(() => browser?.closePages());
after(async () => {
  server.closeAllConnections();
  server.close();
  await stopAll();
});

const url = path => `http://127.0.0.1:${server.address().port}${path}`;

const html = (body, head = '') =>
  `<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>A page</title>\n${head}</head>\n` +
  `<body>\n<main>\n<h1>A page</h1>\n${body}\n</main>\n</body>\n</html>\n`;

async function open(body, { head, policy, ...look } = {}) {
  pages['/'] = { body: html(body, head), policy };
  const page = await browser.page(look);
  await page.goto(url('/'));
  return page;
}

for (const javaScript of [true, false]) {
  const on = javaScript ? 'with scripts' : 'without scripts';

  test(`a page without fault passes ${on}`, async () => {
    await checkPage(await open('<p>Text</p>', { javaScript }));
  });

  test(`axe finds an input without a name ${on}`, async () => {
    const page = await open('<input type="text">', { javaScript });
    await assert.rejects(checkAccessibility(page), /label: /);
  });

  test(`a style that the policy refuses is found ${on}`, async () => {
    const page = await open('<p style="color: red">Text</p>', { javaScript });
    assert.throws(() => checkConduct(page), /style-src/);
  });

  test(`a page wider than its window is found ${on}`, async () => {
    const page = await open(`<p>${'wide'.repeat(200)}</p>`, { javaScript });
    await assert.rejects(checkWidth(page), /in a window of 320 px/);
  });
}

test('axe looks at what stands there for those without scripts', async () => {
  const body = '<noscript><input type="text"></noscript>';
  await assert.rejects(checkAccessibility(await open(body, { javaScript: false })), /label: /);
  await checkAccessibility(await open(body));
});

test('the validator finds an element where none may be', async () => {
  await assert.rejects(checkHtml(await open('<p><div>Text</div></p>')), /html-validate/);
});

test('what is asked of others, and what fails, is found', async () => {
  const page = await open('<p>Text</p>', {
    head: `<script src="${stripe.script}"></script><script src="/missing.js"></script>`,
    policy: `${BASE}; script-src 'self' ${stripe.origin}`,
  });
  assert.ok(seen(page).requests.includes(stripe.script));
  assert.throws(() => checkConduct(page, { failures: [/missing.js: 404/] }), /elsewhere/);
  assert.throws(() => checkConduct(page, { origins: [stripe.origin] }), /missing\.js: 404/);
  checkConduct(page, { origins: [stripe.origin], failures: [/missing.js: 404/] });
});

test('a script that throws is found', async () => {
  pages['/throws.js'] = { type: 'text/javascript', body: 'throw new Error("as it must");' };
  const page = await open('<p>Text</p>', { head: '<script src="/throws.js"></script>', policy: `${BASE}; script-src 'self'` });
  assert.throws(() => checkConduct(page), /as it must/);
});

test('a card is set up, declined or authenticated, and then the customer has it', async () => {
  pages['/card.js'] = {
    type: 'text/javascript',
    body: `
      const stripe = Stripe('${stripe.publishableKey}');
      const card = stripe.elements().create('card');
      card.mount('#card');
      window.confirmCard = secret => stripe.confirmCardSetup(secret, { payment_method: { card } });`,
  };
  const page = await open('<div id="card"></div>', {
    head: `<script defer src="${stripe.script}"></script><script defer src="/card.js"></script>`,
    policy: `${BASE}; script-src 'self' ${stripe.origin}; connect-src ${stripe.origin}`,
  });
  const customer = await stripe.api('POST', '/v1/customers', { 'metadata[a]': 'b' });
  const intent = await stripe.api('POST', '/v1/setup_intents', { customer: customer.id, usage: 'off_session' });
  const confirm = () => page.evaluate(secret => window.confirmCard(secret), intent.client_secret);
  const now = () => stripe.api('GET', `/v1/setup_intents/${intent.id}?expand[]=payment_method`);

  await fillCard(page, '#card', CARDS.declined);
  assert.equal((await confirm()).error.code, 'card_declined');
  assert.deepEqual([(await now()).status, (await now()).last_setup_error.code], ['requires_payment_method', 'card_declined']);

  await fillCard(page, '#card', CARDS.authenticated);
  assert.match((await Promise.all([confirm(), authenticate(page, false)]))[0].error.message, /authentication failed/);
  assert.equal((await now()).status, 'requires_payment_method');

  const [{ setupIntent }] = await Promise.all([confirm(), authenticate(page)]);
  assert.equal(setupIntent.status, 'succeeded');
  const { payment_method: card } = await now();
  assert.deepEqual([card.customer, card.card.last4], [customer.id, CARDS.authenticated.slice(-4)]);

  await stripe.api('POST', `/v1/payment_methods/${card.id}/detach`);
  await assert.rejects(stripe.api('POST', `/v1/payment_methods/${card.id}/detach`), /400.*not attached/s);
  checkConduct(page, { origins: [stripe.origin], failures: [/\/confirm: 402$/] });
  assert.doesNotMatch(stripe.log, new RegExp(Object.values(CARDS).join('|')), 'no log holds a card number');
});
