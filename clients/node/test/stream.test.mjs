// The live stream: it comes back by itself, and nothing is missing then.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import Dirtylemon from '../lib/index.js';
import { DATABASES, clientOf, clientThrough, failure, somebody, startProxy, startService, until } from './support.mjs';

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
      const reader = follow(clientThrough(proxy, service));
      const opened = count => proxy.requests.filter(({ url }) => url.startsWith('/v1/events/stream')).length >= count;
      // Where it begins is known by then.
      await until(() => proxy.answered === 1);
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
      const reader = follow(clientThrough(proxy, service));
      const direct = clientOf(service);
      const last = (await direct.events.list({ limit: 100 }).autoPagingToArray({ limit: 1000 })).at(-1);
      await until(() => proxy.requests.length === 1);
      // It is cut off a moment after the service has said where the stream begins, until the client has read that.
      let [cut, isSaid] = [0, false];
      await until(() => {
        const isKnown = proxy.requests.at(-1).headers['last-event-id'] !== undefined;
        if (isSaid && !isKnown) {
          cut = proxy.pieces;
          proxy.cut();
        }
        isSaid = proxy.pieces > cut;
        return isKnown;
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
      const client = clientThrough(proxy, service);
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

/** A stream of which each connection says the next of these texts, and then ends; the last one stays. */
function scripted(...texts) {
  const asked = [];
  const fetch = async (url, { headers, signal }) => {
    if (!url.includes('/stream')) return Response.json([{ id: 'evt_1' }]);
    const text = texts[Math.min(asked.push([new URL(url).search, headers.get('last-event-id')]), texts.length) - 1];
    const isLast = asked.length >= texts.length;
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text));
        if (!isLast) controller.close();
        signal.addEventListener('abort', () => isLast && controller.error(signal.reason));
      },
    });
    return new Response(body);
  };
  return { asked, client: new Dirtylemon({ apiKey: 'k', fetch }) };
}

const sse = (id, data) => `id: ${id}\nevent: verification\ndata: ${JSON.stringify({ id, ...data })}\n\n`;

test('a connection that ends before it has said anything is made again as it was', async () => {
  const { asked, client } = scripted('', 'retry: 1000\nid: evt_7\n\n', sse('evt_8'));
  const reader = follow(client, { after: 'evt_7' });
  assert.deepEqual(ids(await reader.take(1)), ['evt_8']);
  assert.deepEqual(asked, [['?after=evt_7', null], ['?after=evt_7', null], ['?after=evt_7', null]]);
  await reader.end();
  const fromNow = scripted('', sse('evt_9'));
  const another = follow(fromNow.client);
  assert.deepEqual(ids(await another.take(1)), ['evt_9']);
  assert.deepEqual(fromNow.asked, [['', null], ['', null]]);
  await another.end();
});

test('the first events of a new service are not missed when the stream breaks', async () => {
  // Where there is no event yet, the service cannot say after which the stream begins.
  const { asked, client } = scripted('retry: 1000\n\n', sse('evt_2'));
  const reader = follow(client);
  assert.deepEqual(ids(await reader.take(2)), ['evt_1', 'evt_2']);
  assert.deepEqual(asked, [['', null], ['', 'evt_1']]);
  await reader.end();
});

test('whoever leaves while the next event is waited for ends the wait', async () => {
  const { client } = scripted(sse('evt_1'));
  const events = client.events.stream();
  assert.equal((await events.next()).value.id, 'evt_1');
  const waiting = events.next();
  assert.deepEqual(await events.return('bye'), { value: 'bye', done: true });
  assert.deepEqual(await waiting, { value: undefined, done: true });
  assert.deepEqual(await events.next(), { value: undefined, done: true });
});

test('events are read whatever the pieces in which they come, and a line without an end is given up', async () => {
  const bytes = new TextEncoder().encode(sse('evt_1', { name: 'Zoë 李' }).replaceAll('\n', '\r\n'));
  const inBytes = async () =>
    new Response(new ReadableStream({ start: controller => bytes.forEach(byte => controller.enqueue(Uint8Array.of(byte))) }));
  const reader = new Dirtylemon({ apiKey: 'k', fetch: inBytes }).events.stream();
  assert.equal((await reader.next()).value.name, 'Zoë 李');
  await reader.return();
  const endless = scripted(`data: ${'x'.repeat(2 ** 21)}`, sse('evt_2'));
  const another = follow(endless.client);
  assert.deepEqual(ids(await another.take(1)), ['evt_2']);
  await another.end();
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
