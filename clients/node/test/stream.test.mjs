// The live stream: it comes back by itself, and nothing is missing then.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import Dirtylemon from '../lib/index.js';
import { DATABASES, clientOf, failure, somebody, startProxy, startService, until } from './support.mjs';

/** Reads a stream in the background: `take` waits until there are so many events, and gives them; `end` leaves it. */
function follow(client, params) {
  const ending = new AbortController();
  const seen = [];
  let wake = () => {};
  let ended;
  const done = (async () => {
    try {
      for await (const event of client.events.stream(params, { signal: ending.signal })) {
        seen.push(event);
        wake();
      }
    } catch (error) {
      ended = error;
      wake();
    }
  })();
  const take = async count => {
    while (seen.length < count && !ended) await new Promise(resolve => (wake = resolve));
    if (seen.length < count) throw ended;
    return seen.slice(0, count);
  };
  const end = async () => {
    ending.abort();
    await done;
    assert.equal(ended.name, 'AbortError');
  };
  return { take, end };
}

const ids = events => events.map(({ id }) => id);

for (const database of DATABASES) {
  describe(`on ${database}`, () => {
    let service;
    before(async () => {
      service = await startService({}, { database });
    });

    test('one that is cut off again and again misses nothing and repeats nothing', async () => {
      const proxy = await startProxy(service.origin);
      const direct = clientOf(service);
      const reader = follow(clientOf({ key: service.key, origin: proxy.origin }));
      const opened = count => proxy.requests.filter(({ url }) => url.startsWith('/v1/events/stream')).length >= count;
      await until(() => opened(1));
      // The first piece of the stream, by which it knows where it is, comes before the first event.
      const before = await direct.customers.create(somebody());
      await reader.take(1);
      for (let round = 1; round <= 3; round++) {
        proxy.cut();
        await direct.customers.create(somebody());
        await until(() => opened(round + 1));
        await direct.customers.create(somebody());
        await reader.take(1 + 2 * round);
      }
      const events = await reader.take(7);
      const first = (await direct.events.list({ customer_id: before.id }))[0];
      const all = await direct.events.list({ limit: 100 }).autoPagingToArray({ limit: 1000 });
      assert.deepEqual(ids(events), ids(all.slice(ids(all).indexOf(first.id))));
      await reader.end();
    });

    test('one that is cut off before any event knows where it was', async () => {
      const proxy = await startProxy(service.origin);
      const reader = follow(clientOf({ key: service.key, origin: proxy.origin }));
      const direct = clientOf(service);
      const last = (await direct.events.list({ limit: 100 }).autoPagingToArray({ limit: 1000 })).at(-1);
      await until(() => proxy.requests.length === 1);
      // What the service said first is read when the client asks the second time.
      await until(() => {
        if (proxy.requests.at(-1).headers['last-event-id'] === undefined) proxy.cut();
        return proxy.requests.at(-1).headers['last-event-id'] !== undefined;
      });
      const { id } = await direct.customers.create(somebody());
      const [event] = await reader.take(1);
      assert.equal(proxy.requests.at(-1).headers['last-event-id'], last.id);
      assert.equal(event.data.customer.id, id);
      await reader.end();
    });

    test('a restart of the service is survived', async () => {
      const client = clientOf(service);
      const reader = follow(client, { after: (await client.events.list())[0].id });
      const known = await client.events.list({ limit: 100 }).autoPagingToArray({ limit: 1000 });
      await reader.take(known.length - 1);
      await service.end();
      await service.start();
      const { id } = await client.customers.create(somebody());
      const events = await reader.take(known.length);
      assert.equal(events.at(-1).data.customer.id, id);
      await reader.end();
    });

    test('whoever leaves the loop closes the connection', async () => {
      const proxy = await startProxy(service.origin);
      const client = clientOf({ key: service.key, origin: proxy.origin });
      const [first] = await client.events.list({ limit: 1 });
      for await (const event of client.events.stream({ after: first.id })) {
        assert.ok(event.id);
        break;
      }
      await until(() => proxy.open === 0);
    });

    test('what waiting does not mend is told at once', async () => {
      const unknown = clientOf(service).events.stream({ after: 'evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e' });
      assert.ok((await failure(unknown.next())) instanceof Dirtylemon.InvalidParametersError);
      const misspelled = clientOf(service).events.stream({ customer: 'x' });
      assert.match((await failure(misspelled.next())).message, /customer/);
      const stranger = clientOf({ key: 'ckey_wrong', origin: service.origin }).events.stream();
      assert.ok((await failure(stranger.next())) instanceof Dirtylemon.UnauthorizedError);
    });
  });
}

test('the first events of a new service are not missed, whenever the stream breaks', async () => {
  const service = await startService();
  const proxy = await startProxy(service.origin);
  const reader = follow(clientOf({ key: service.key, origin: proxy.origin }));
  await until(() => proxy.requests.length === 1 && proxy.answered === 1);
  proxy.cut();
  const { id } = await clientOf(service).customers.create(somebody());
  assert.equal((await reader.take(1))[0].data.customer.id, id);
  await reader.end();
});

test('a connection that falls silent is made anew', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const asked = [];
  const fetch = async (url, { headers, signal }) => {
    asked.push(headers.get('last-event-id'));
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('retry: 1000\nid: evt_1\n\n'));
        signal.addEventListener('abort', () => controller.error(signal.reason));
      },
    });
    return new Response(body);
  };
  const reader = follow(new Dirtylemon({ apiKey: 'k', fetch }));
  // The clock goes on a second whenever all has happened that can at a time.
  for (let second = 0; asked.length < 2; second++) {
    assert.ok(second < 60, 'nothing in a minute');
    await new Promise(resolve => setImmediate(resolve));
    t.mock.timers.tick(1000);
  }
  assert.deepEqual(asked, [null, 'evt_1']);
  await reader.end();
});
