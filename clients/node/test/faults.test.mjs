// A bad network between client and service: nothing is lost, and nothing is done twice.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import Dirtylemon from '../lib/index.js';
import { DATABASES, clientOf, clientThrough, failure, somebody, startProxy, startService } from './support.mjs';

/** Numbers between 0 and 1 that are the same in every run. */
function sequence(seed) {
  let state = seed;
  return () => ((state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31);
}

/** Does all of these, so many at once. */
async function each(items, atOnce, doIt) {
  const rest = [...items];
  const worker = async () => {
    while (rest.length > 0) await doIt(rest.shift());
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

for (const database of DATABASES) {
  describe(`on ${database}`, () => {
    let service;
    before(async () => {
      service = await startService({}, { database });
    });

    test('1,000 creates through 20 % of dropped connections make exactly 1,000 customers', async () => {
      const chance = sequence(8);
      let dropped = 0;
      const proxy = await startProxy(service.origin, () => {
        const lot = chance();
        if (lot < 0.2) dropped++;
        // Half of them before the service hears of it, half after it has done it.
        return lot < 0.1 ? 'lose request' : lot < 0.2 ? 'lose answer' : undefined;
      });
      const client = clientThrough(proxy, service, { maxRetries: 12, timeout: 120_000 });
      const all = Array.from({ length: 1000 }, (_, number) => somebody({ first_name: `Number ${number}` }));
      const created = [];
      await each(all, 24, async params => created.push(await client.customers.create(params)));
      assert.ok(dropped > 150, `${dropped} connections were dropped`);
      assert.equal(new Set(created.map(({ id }) => id)).size, 1000);

      const direct = clientOf(service);
      const stored = await direct.customers.list({ limit: 100 }).autoPagingToArray({ limit: 2000 });
      assert.deepEqual(new Set(stored.map(({ id }) => id)), new Set(created.map(({ id }) => id)));
      assert.equal(stored.length, 1000);
      const events = await direct.events.list({ limit: 100 }).autoPagingToArray({ limit: 3000 });
      assert.equal(events.length, 1000, 'each has one event');
    });

    test('a request that arrives twice is done once', async () => {
      const proxy = await startProxy(service.origin, ({ method }) => (method === 'POST' ? 'double' : undefined));
      const client = clientThrough(proxy, service);
      const customer = await client.customers.create(somebody());
      await client.customers.confirm(customer.id, { confirmation_token: customer.confirmation_token });
      const events = await client.events.list({ customer_id: customer.id });
      assert.deepEqual(events.map(({ data }) => data.status), ['pending', 'confirmed']);
    });

    test('an answer that comes too late is an error, and the same key gives the same customer later', async () => {
      let delay = 400;
      const proxy = await startProxy(service.origin, () => ({ delay }));
      const client = clientThrough(proxy, service);
      const [params, idempotencyKey] = [somebody(), crypto.randomUUID()];
      const late = await failure(client.customers.create(params, { idempotencyKey, timeout: 150 }));
      assert.ok(late instanceof Dirtylemon.TimeoutError);
      delay = 0;
      const customer = await client.customers.create(params, { idempotencyKey });
      const found = await client.customers.list({ phone_number: params.unconfirmed_phone_number });
      assert.deepEqual(found.map(({ id }) => id), [customer.id]);
    });

    test('a lost answer to a wrong token costs one try', async () => {
      let lost = false;
      const proxy = await startProxy(service.origin, ({ url }) => {
        if (lost || !url.endsWith('/confirm')) return undefined;
        lost = true;
        return 'lose answer';
      });
      const client = clientThrough(proxy, service);
      const { id, confirmation_token } = await client.customers.create(somebody());
      const wrong = confirmation_token === '000000' ? '000001' : '000000';
      const error = await failure(client.customers.confirm(id, { confirmation_token: wrong }));
      assert.ok(error instanceof Dirtylemon.ConfirmationTokenInvalidError);
      assert.equal(error.attempts_remaining, 4);
      assert.ok(lost);
    });
  });
}
