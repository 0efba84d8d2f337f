// What the bot of examples/conversation says to whom, with a Customers that is played: each rule by itself, without waiting.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import dirtylemon from '../../clients/node/lib/index.js';
import { installExample } from '../support/package.js';

const NUMBER = '+14185810827';
const { AlreadyConfirmedError, ConfirmationTokenInvalidError, PhoneNumberTakenError, ResendTooSoonError } = dirtylemon;

let Conversation, Conversations, Logins;
before(async () => {
  await installExample();
  ({ Conversation } = await import('../../examples/conversation/conversation.js'));
  ({ Conversations } = await import('../../examples/conversation/conversations.js'));
  ({ Logins } = await import('../../examples/conversation/logins.js'));
});

const inSeconds = seconds => new Date(Date.now() + seconds * 1000).toISOString();

/** A Customers of one customer. What is done to him is noted. */
function service({ known = false, changing = false } = {}) {
  const done = [];
  const customer = {
    id: 'c1',
    phone_number: known || changing ? NUMBER : null,
    confirmation_token: '111111',
    first_name: null,
    billing_address_url: 'https://x/l/b',
    shipping_address_url: 'https://x/l/s',
    card_url: 'https://x/l/c',
  };
  if (changing) customer.phone_number = '+33142685300';
  let isThere = known || changing;
  let wrong = 0;
  const note = (name, answer) => (...given) => (done.push([name, ...given]), answer(...given));
  const customers = {
    create: note('create', async () => {
      const taken = { problem: { existing_customer_id: 'c1', existing_customer_confirmed: known } };
      if (isThere) throw new PhoneNumberTakenError('', taken);
      isThere = true;
      return { id: 'c1' };
    }),
    retrieve: async () => Object.defineProperty({ ...customer }, 'lastResponse', { value: { headers: { etag: '"7"' } } }),
    del: note('del', async () => (isThere = false)),
    withdraw_phone_number: note('withdraw_phone_number', async () => (isThere = false)),
    generate_confirmation: note('generate_confirmation', async () => {
      throw new ResendTooSoonError('', { retryAfter: 30 });
    }),
    verification: async () => ({
      status: wrong >= 5 ? 'locked' : 'pending',
      expires_at: inSeconds(300),
      attempts_remaining: 5 - wrong,
      next_generation_at: inSeconds(30),
      locked_until: null,
    }),
    confirm: note('confirm', async (_, { confirmation_token }) => {
      if (customer.phone_number) throw new AlreadyConfirmedError();
      if (confirmation_token !== customer.confirmation_token) {
        wrong += 1;
        throw new ConfirmationTokenInvalidError('', { problem: { attempts_remaining: 5 - wrong } });
      }
      customer.phone_number = NUMBER;
    }),
  };
  const address = { name: 'Alice Smith', line1: '1 Hidden Road', city: 'Montreal' };
  return { customers, addresses: { retrieve: async () => ({ billing: address, shipping: null }) }, customer, done };
}

/** A conversation with it: what was said since the last time that it was asked, and what was sent. */
function talk(played, logins = new Logins()) {
  const said = [];
  const sent = [];
  const conversation = new Conversation({
    dirtylemon: played,
    logins,
    say: message => said.push(message),
    send: async (number, text) => sent.push([number, /^\d{6}/.exec(text)[0]]),
    turn: doIt => doIt(),
    country: 'CA',
  });
  const hear = async text => (await conversation.hear(text), said.splice(0));
  return { conversation, hear, sent, said, close: () => conversation.close() };
}

const texts = messages => messages.map(({ text, choices = [] }) => [text, ...choices].join(' | '));

test('who is known and who is new hear the same until the number is proved', async () => {
  const script = [NUMBER, 'what?', '12', 'abc1', ...Array(5).fill('000000'), '000000', 'Send a new code', 'Another number'];
  const heard = [];
  for (const known of [true, false]) {
    const person = talk(service({ known }));
    const lines = [];
    for (const text of script) lines.push(`${text} → ${texts(await person.hear(text)).join(' / ')}`);
    person.close();
    heard.push(lines);
  }
  assert.deepEqual(heard[0], heard[1]);
  assert.match(heard[0][4], /4 tries left/);
  assert.match(heard[0].at(-2), /I can send the next code in \d+ seconds/);
});

test('who is known comes back by the code that was sent to his number', async () => {
  const person = talk(service({ known: true }));
  await person.hear(NUMBER);
  const [[to, code]] = person.sent;
  assert.equal(to, NUMBER);
  const [{ text, links }] = await person.hear(code);
  assert.match(text, /confirmed/);
  assert.equal(links.length, 3);
});

test('a code of one conversation is none of another, and a number has ten wrong ones a day', async () => {
  const logins = new Logins();
  const played = service({ known: true });
  const [one, other] = [talk(played, logins), talk(played, logins)];
  await one.hear(NUMBER);
  await other.hear(NUMBER);
  const [code, others] = [one.sent[0][1], other.sent[0][1]];
  if (code !== others) assert.match((await other.hear(code))[0].text, /not the code/);
  for (let wrong = 0; wrong < 9; wrong++) {
    const guesser = talk(played, logins);
    await guesser.hear(NUMBER);
    await guesser.hear(guesser.sent[0][1] === '000000' ? '000001' : '000000');
    guesser.close();
  }
  assert.match((await one.hear(code))[0].text, /too many wrong codes/, 'the right one, too');
  [one, other].forEach(person => person.close());
});

test('what somebody else proves is no proof of his', async () => {
  const played = service();
  const person = talk(played);
  await person.hear(NUMBER);
  played.customer.phone_number = NUMBER;
  const said = await person.hear('000000');
  assert.equal(said.filter(({ links }) => links).length, 0);
  person.close();
});

test('a lost answer to the right code is the right code', async () => {
  const played = service();
  const person = talk(played);
  await person.hear(NUMBER);
  played.customer.phone_number = NUMBER;
  assert.equal((await person.hear('111 111'))[0].links.length, 3);
});

test('nothing of a customer is told to who has not proved his number', async () => {
  const played = service();
  const person = talk(played);
  await person.hear(NUMBER);
  const event = () => ({ type: 'customer.updated', data: { changed: ['billing_address'], customer: { ...played.customer } } });
  await person.conversation.learn(event());
  assert.deepEqual(person.said, []);
  await person.hear('111111');
  await person.conversation.learn(event());
  assert.match(person.said[0].text, /Nice to meet you, Alice! .*1 Hidden Road/);
});

test('who holds an old number gets nothing of who had it', async () => {
  const played = service({ known: true });
  const [late, before] = [talk(played), talk(played)];
  await late.hear(NUMBER);
  await before.hear(NUMBER);
  await before.hear(before.sent[0][1]);
  played.customer.phone_number = '+33142685300';
  const said = [...(await late.hear(late.sent[0][1])), ...(await before.hear('my pages'))];
  assert.equal(said.filter(({ links }) => links).length, 0);
  assert.ok(!JSON.stringify(said).includes('+33142685300'));
  late.close();
});

test('of a customer who is changing to a number the change is given up, and nothing else', async () => {
  const played = service({ changing: true });
  const person = talk(played);
  await person.hear(NUMBER);
  const names = played.done.map(([name]) => name);
  assert.deepEqual(names, ['create', 'withdraw_phone_number', 'create']);
  assert.deepEqual(played.done[1], ['withdraw_phone_number', 'c1', { ifMatch: '"7"' }]);
  person.close();
});

test('a code that comes late is not taken for a number', async () => {
  const person = talk(service());
  assert.match((await person.hear('557161'))[0].text, /looks like a code/);
});

test('an event is sent once, however often it comes, and not when its code is dead', async () => {
  const sent = [];
  let finish;
  const send = number => (sent.push(number), new Promise(resolve => (finish = resolve)));
  const all = new Conversations({ dirtylemon: service(), send });
  const event = (sequence, expires_at) => ({
    id: `evt_${sequence}`,
    type: 'verification',
    data: { status: 'pending', sequence, expires_at, confirmation_token: '111111', customer: { id: 'c1', unconfirmed_phone_number: NUMBER } },
  });
  const copies = [1, 2, 3].map(() => all.learn(event(1, inSeconds(60))));
  finish();
  await Promise.all(copies);
  await all.learn(event(1, inSeconds(60)));
  await all.learn(event(2, inSeconds(-1)));
  assert.deepEqual(sent, [NUMBER]);
});

test('an event that could not be sent comes again', async () => {
  let fails = true;
  const sent = [];
  const send = async number => {
    if (fails) throw new Error('the provider is down');
    sent.push(number);
  };
  const all = new Conversations({ dirtylemon: service(), send });
  const data = { status: 'pending', sequence: 1, expires_at: inSeconds(60), confirmation_token: '111111', customer: { id: 'c1', unconfirmed_phone_number: NUMBER } };
  await assert.rejects(all.learn({ id: 'evt_1', type: 'verification', data }), /provider is down/);
  fails = false;
  await all.learn({ id: 'evt_1', type: 'verification', data });
  assert.deepEqual(sent, [NUMBER]);
});
