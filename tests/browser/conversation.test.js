// The chat bot of examples/conversation, as the person sees it: from the first word to a saved card.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { checkPage, DESKTOP, startBrowser } from './support/browser.js';
import { heard, say, startDemo, wrong } from './support/conversation.js';
import { fillAddress, fillTestCard, MONTREAL } from './support/forms.js';
import { stopAll } from '../support/process.js';

const OVER = 'That code is not good any more. Shall I send a new one?';

let browser;
let demo;
before(async () => {
  // A code that one can wait for the end of, and within which the rest of the conversation has its place.
  const settings = { CUSTOMERS_CONFIRMATION_TTL: '10s', CUSTOMERS_CONFIRMATION_GRACE: '0s' };
  [browser, demo] = await Promise.all([startBrowser(), startDemo(settings)]);
});
afterEach(() => browser?.closePages());
after(stopAll);

async function open(look) {
  const page = await browser.page(look);
  await page.goto(demo.origin);
  await heard(page, 'What is your phone number?');
  return page;
}

/** Talks until the number is proved. What the bot says then. */
async function prove(page, number, codesBefore = 0) {
  await say(page, number);
  await heard(page, `I am sending a code to ${number}`);
  await say(page, (await demo.codes(number, codesBefore + 1)).at(-1));
  return heard(page, 'Your number is confirmed');
}

/** Opens a page that the bot has sent, in a tab beside the chat. */
async function follow(page, said, label) {
  const tab = await browser.page({ beside: page });
  await tab.goto(await said.getByRole('link', { name: label }).getAttribute('href'));
  return tab;
}

test('a number is proved after a wrong code and one that was too late, and forms are filled in', async () => {
  const page = await open();
  await say(page, 'hello');
  await heard(page, 'I cannot read that as a phone number');
  // The browser is Canadian.
  await say(page, '(418) 581-0827');
  await heard(page, 'I am sending a code to (418) 581-0827. Please type it here.');
  const [code] = await demo.codes('+14185810827', 1);

  await say(page, 'what code?');
  await heard(page, 'Please type the six digits');
  await say(page, wrong(code));
  await heard(page, 'That is not the code. You have 4 tries left.');

  // Nobody says a word until the window has passed.
  await heard(page, OVER);
  await say(page, code);
  await heard(page, OVER);
  await page.getByRole('button', { name: 'Send a new code' }).click();
  await heard(page, 'I am sending a code to (418) 581-0827');
  const [, fresh] = await demo.codes('+14185810827', 2);
  await say(page, `${fresh.slice(0, 3)} ${fresh.slice(3)}`);
  const said = await heard(page, 'Your number is confirmed');
  await checkPage(page);

  const form = await follow(page, said, 'Billing address');
  await fillAddress(form, MONTREAL);
  await form.getByRole('button', { name: 'Save address' }).click();
  await heard(page, `Nice to meet you, ${MONTREAL.name.split(' ')[0]}! Your billing address is saved: ${MONTREAL.line1}`);

  const card = await follow(page, said, 'Card');
  await fillTestCard(card, '4242 4242 4242 4242');
  await card.getByRole('button', { name: 'Save card' }).click();
  await heard(page, 'Your card is saved: visa, ending in 4242.');

  await say(page, 'thanks');
  await heard(page, 'Here are your pages');
  await page.reload();
  await heard(page, 'Here are your pages');
  assert.equal(await page.getByText('Hello! What is your phone number?').count(), 1, 'all of it is shown again, once');
});

test('when no try is left, a new code is offered and proves the number', async () => {
  // The region of this browser's language is no country.
  const page = await open({ dark: true, locale: 'es-419' });
  await say(page, '+1 418 581 0828');
  const [code] = await demo.codes('+14185810828', 1);
  for (const left of ['4 tries', '3 tries', '2 tries', 'one try']) {
    await say(page, wrong(code));
    await heard(page, `You have ${left} left.`);
  }
  await say(page, wrong(code));
  await heard(page, OVER);
  await page.getByRole('button', { name: 'Send a new code' }).click();
  await say(page, (await demo.codes('+14185810828', 2)).at(-1));
  await heard(page, 'Your number is confirmed');
  await checkPage(page);
});

test('somebody who is known hears the same as a stranger, and comes back to his own pages', async () => {
  const number = '+14185810829';
  const first = await open({ viewport: DESKTOP });
  const form = await follow(first, await prove(first, number), 'Billing address');
  await fillAddress(form, MONTREAL);
  await form.getByRole('button', { name: 'Save address' }).click();
  await heard(first, 'Nice to meet you');

  const again = await open({ viewport: DESKTOP });
  await say(again, number);
  await heard(again, `I am sending a code to ${number}. Please type it here.`);
  const [, code] = await demo.codes(number, 2);
  await say(again, wrong(code));
  await heard(again, 'That is not the code. You have 4 tries left.');
  await say(again, code);
  const page = await follow(again, await heard(again, 'Your number is confirmed'), 'Billing address');
  assert.equal(await page.locator('[name=line1]').inputValue(), MONTREAL.line1);
  await checkPage(again);
});

test('a number that somebody has typed and not proved goes to who holds the telephone', async () => {
  const number = '+14185810830';
  const stranger = await open();
  await say(stranger, number);
  await heard(stranger, `I am sending a code to ${number}`);
  await demo.codes(number, 1);
  const holder = await open();
  await prove(holder, number, 1);
  await heard(stranger, 'Somebody has asked for a code for that number again');
});

test('an event that Customers has not signed is refused, and nothing is sent', async () => {
  const event = {
    id: 'evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e',
    type: 'verification',
    data: { status: 'pending', sequence: 1, customer: { unconfirmed_phone_number: '+14185810831' }, confirmation_token: '111111' },
  };
  const headers = {
    'webhook-id': event.id,
    'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
    'webhook-signature': 'v1,W6ClsnHhKtp3cr9q00jTVGtctsRyChilQjM8/1D1jtc=',
  };
  const answer = await fetch(`${demo.origin}/webhook`, { method: 'POST', headers, body: JSON.stringify(event) });
  assert.equal(answer.status, 401);
  assert.ok(!demo.printed.includes('+14185810831'));
});

test('what no chat page sends is refused, and the bot goes on', async () => {
  const status = async (path, init) => (await fetch(demo.origin + path, init)).status;
  const post = (body, headers = { 'Content-Type': 'application/json' }) => status('/messages', { method: 'POST', headers, body });
  for (const body of ['{', 'null', '{}', '{"text": 7}', '{"text": " "}', `{"text": "${'x'.repeat(501)}"}`]) {
    assert.equal(await post(body), 400, body.slice(0, 20));
  }
  assert.equal(await post('{"text": "hello"}', { 'Content-Type': 'text/plain' }), 400, 'as a form of another page sends it');
  assert.equal(await post('x'.repeat(70_000)), 413);
  assert.equal(await status('/%2e%2e/package.json'), 404);
  assert.equal(await status('/', { method: 'DELETE' }), 404);
  await open();
});
