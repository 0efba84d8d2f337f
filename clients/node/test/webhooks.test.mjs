// Whether a request is the service's: the example of docs/events.md, and what a service really sends.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, test } from 'node:test';

import Dirtylemon, { SignatureVerificationError } from '../lib/index.mjs';
import { clientOf, somebody, startService } from './support.mjs';

const { verify } = Dirtylemon.webhooks;

/** The request that docs/events.md shows, sent during a rotation, and the secrets that signed it. */
const BODY =
  '{"id":"evt_01a2119443fa74958fd09f3bc2ba8881","type":"ping","timestamp":"2026-11-25T07:20:59.130Z","data":{}}';
const SENT = 1795591259;
const HEADERS = {
  'webhook-id': 'evt_01a2119443fa74958fd09f3bc2ba8881',
  'webhook-timestamp': String(SENT),
  'webhook-signature':
    'v1,W6ClsnHhKtp3cr9q00jTVGtctsRyChilQjM8/1D1jtc= v1,me9UdSJp2Mo3Jx3c5ufsxPyw/5yzez4T3j0K/k9wHK4=',
};
const NEW = 'whsec_vgX6GTSaFftSUXL6U5YbdFnFcjI8pO6gLo6XC9RIhqg=';
const OLD = 'whsec_t6qg2/MVVQjcehJ/rR19VUqzN5AooAGd7JTJqQvLXac=';
const STRANGERS = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';

/** Lets it be some seconds after the request was sent. */
const later = (t, seconds) => t.mock.timers.enable({ apis: ['Date'], now: (SENT + seconds) * 1000 });

const refused = (call, why) =>
  assert.throws(call, error => error instanceof SignatureVerificationError && why.test(error.message));

test('a genuine request gives its event, by the old secret and by the new one', t => {
  later(t, 1);
  for (const secret of [NEW, OLD]) {
    assert.deepEqual(verify(BODY, HEADERS, secret), JSON.parse(BODY));
    assert.equal(verify(Buffer.from(BODY), HEADERS, secret).type, 'ping');
    assert.equal(verify(new TextEncoder().encode(BODY), new Headers(HEADERS), secret).type, 'ping');
    assert.equal(verify(new TextEncoder().encode(BODY).buffer, HEADERS, secret).type, 'ping');
  }
});

test('headers are found in any case, and among several values', t => {
  later(t, 1);
  const shouted = Object.fromEntries(Object.entries(HEADERS).map(([name, value]) => [name.toUpperCase(), [value]]));
  assert.equal(verify(BODY, shouted, NEW).type, 'ping');
});

test('another body, secret, id, time or signature is refused', t => {
  later(t, 1);
  const none = /none of its signatures/;
  refused(() => verify(BODY.replace('{}', '{ }'), HEADERS, NEW), none);
  refused(() => verify(BODY, HEADERS, STRANGERS), none);
  refused(() => verify(BODY, { ...HEADERS, 'webhook-id': 'evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e' }, NEW), none);
  refused(() => verify(BODY, { ...HEADERS, 'webhook-timestamp': String(SENT + 1) }, NEW), none);
  for (const signature of ['v1,', 'v1', ',', 'v1a,AAAA v1', HEADERS['webhook-signature'].replaceAll('v1', 'v2')]) {
    refused(() => verify(BODY, { ...HEADERS, 'webhook-signature': signature }, NEW), none);
  }
});

test('missing headers and a time that is none are refused', t => {
  later(t, 1);
  refused(() => verify(BODY, {}, NEW), /has not the headers/);
  refused(() => verify(BODY, { ...HEADERS, 'webhook-signature': '' }, NEW), /has not the headers/);
  refused(() => verify(BODY, { ...HEADERS, 'webhook-timestamp': 'soon' }, NEW), /no time/);
});

test('a request is good for five minutes, or as long as is asked', t => {
  later(t, 300);
  assert.ok(verify(BODY, HEADERS, NEW));
  t.mock.timers.setTime((SENT + 301) * 1000);
  refused(() => verify(BODY, HEADERS, NEW), /more than 300 seconds/);
  assert.ok(verify(BODY, HEADERS, NEW, { tolerance: 600 }));
  t.mock.timers.setTime((SENT - 301) * 1000);
  refused(() => verify(BODY, HEADERS, NEW), /more than 300 seconds/);
});

test('what cannot be verified is an error of programming', t => {
  later(t, 1);
  assert.throws(() => verify(JSON.parse(BODY), HEADERS, NEW), /as it arrived/);
  assert.throws(() => verify(BODY, HEADERS, NEW, { tolerence: 1 }), /no tolerence/);
  for (const secret of [undefined, '', 'whsec_', 'not a secret']) {
    assert.throws(() => verify(BODY, HEADERS, secret), TypeError, String(secret));
  }
});

test('a body that is not ASCII is verified by its bytes', t => {
  later(t, 1);
  const body = '{"type":"verification","data":{"customer":{"first_name":"Zoë 李"}}}';
  const mac = createHmac('sha256', Buffer.from(NEW.slice(6), 'base64')).update(`a.${SENT}.${body}`).digest('base64');
  const headers = { 'webhook-id': 'a', 'webhook-timestamp': String(SENT), 'webhook-signature': `v1,${mac}` };
  assert.equal(verify(Buffer.from(body), headers, NEW).data.customer.first_name, 'Zoë 李');
  assert.equal(verify(body, headers, NEW).data.customer.first_name, 'Zoë 李');
});

test('what a service sends is genuine, before, during and after a rotation', async () => {
  const service = await startService();
  const client = clientOf(service);
  const received = [];
  let wake = () => {};
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    response.writeHead(204).end();
    received.push({ body: Buffer.concat(chunks), headers: request.headers });
    wake();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.closeAllConnections() ?? server.close());
  const url = `http://127.0.0.1:${server.address().port}/`;
  const { id, secret } = await client.webhook_endpoints.create({ url, event_types: ['verification'] });
  const next = async () => {
    while (received.length === 0) await new Promise(resolve => (wake = resolve));
    return received.shift();
  };

  const customer = await client.customers.create(somebody({ first_name: 'Zoë' }));
  const { body, headers } = await next();
  const event = verify(body, headers, secret);
  assert.deepEqual([event.type, event.data.confirmation_token], ['verification', customer.confirmation_token]);
  const rotated = await client.webhook_endpoints.rotate_secret(id);
  assert.equal((await client.webhook_endpoints.test(id)).accepted, true);
  const ping = await next();
  assert.equal(ping.headers['webhook-signature'].split(' ').length, 2);
  for (const either of [secret, rotated.secret]) assert.equal(verify(ping.body, ping.headers, either).type, 'ping');
});
