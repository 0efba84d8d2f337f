// When a request is sent again, when not, and for how long: against a server that answers as it is told.

import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { test } from 'node:test';

import Dirtylemon from '../lib/index.js';
import { clientOf, failure, problem, somebody, startScript, until } from './support.mjs';

const FINE = { status: 201, body: { id: 'x' } };

for (const [how, answer] of Object.entries({
  'a connection that is cut': { status: 'cut' },
  'a request with the same key that is under way': { status: 409, body: problem('idempotency_in_progress', 409) },
  'too many requests': { status: 429, headers: { 'Retry-After': '0' }, body: problem('rate_limited', 429) },
  'too many requests for a proxy': { status: 429, body: 'slow down' },
  'a defect': { status: 500, body: problem('internal_error', 500) },
  'a proxy without a service': { status: 502, body: '<h1>Bad gateway</h1>' },
  'a service without a database': { status: 503, headers: { 'Retry-After': '0' }, body: problem('unavailable', 503) },
})) {
  test(`${how} is followed by another try with the same key and the same request id`, async () => {
    const server = await startScript(answer, answer, FINE);
    const customer = await clientOf(server).customers.create(somebody());
    assert.equal(customer.id, 'x');
    assert.equal(server.requests.length, 3);
    for (const header of ['idempotency-key', 'x-request-id', 'authorization']) {
      assert.equal(new Set(server.requests.map(({ headers }) => headers[header])).size, 1, header);
    }
    assert.match(server.requests[0].headers['idempotency-key'], /^[0-9a-f-]{36}$/);
  });
}

for (const [code, status] of [
  ['customer_not_found', 404],
  ['phone_number_taken', 409],
  ['invalid_parameters', 422],
  ['unauthorized', 401],
  // The tries of a token are used up: waiting does not bring them back, and the service names no time.
  ['too_many_attempts', 429],
]) {
  test(`${code} is told at once`, async () => {
    const server = await startScript({ status, body: problem(code, status) });
    const error = await failure(clientOf(server).customers.create(somebody()));
    assert.equal(error.code, code);
    assert.equal(server.requests.length, 1);
  });
}

test('each call has a key of its own, unless the caller has one', async () => {
  const server = await startScript(FINE);
  const client = clientOf(server);
  await client.customers.create(somebody());
  await client.customers.create(somebody());
  await client.customers.create(somebody(), { idempotencyKey: 'order-17' });
  const keys = server.requests.map(({ headers }) => headers['idempotency-key']);
  assert.equal(new Set(keys).size, 3);
  assert.equal(keys[2], 'order-17');
});

test('what reads or can be done twice has none', async () => {
  const server = await startScript(FINE);
  const { customers } = clientOf(server);
  await Promise.all([customers.retrieve('x'), customers.update('x', {}), customers.del('x')]);
  assert.deepEqual(server.requests.map(({ headers }) => headers['idempotency-key']), [undefined, undefined, undefined]);
});

test('the pauses are as long as the service asks, and grow where it asks nothing', async () => {
  const asked = { status: 503, headers: { 'Retry-After': '1' }, body: problem('unavailable', 503) };
  const server = await startScript(asked, { status: 500 }, { status: 500 }, FINE);
  await clientOf(server).customers.retrieve('x');
  const [first, second, third] = server.requests.slice(1).map(({ at }, index) => at - server.requests[index].at);
  assert.ok(first >= 1000, `${first} ms`);
  assert.ok(second >= 200 && third >= 400, `${second} ms and ${third} ms`);
});

test('a date in Retry-After is waited for', async () => {
  const date = new Date(Date.now() + 60_000).toUTCString();
  const server = await startScript({ status: 503, headers: { 'Retry-After': date }, body: problem('unavailable', 503) });
  const error = await failure(clientOf(server).customers.retrieve('x'));
  assert.ok(error.retryAfter > 50 && error.retryAfter <= 60, `${error.retryAfter}`);
  assert.equal(server.requests.length, 1, 'a minute is longer than the call may take');
});

test('as many tries are made as are allowed, and the last refusal is told', async () => {
  const server = await startScript({ status: 500, body: problem('internal_error', 500) });
  const error = await failure(clientOf(server, { maxRetries: 1 }).customers.retrieve('x'));
  assert.ok(error instanceof Dirtylemon.InternalErrorError);
  assert.equal(server.requests.length, 2);
  await failure(clientOf(server).customers.retrieve('x', { maxRetries: 0 }));
  assert.equal(server.requests.length, 3);
});

test('no pause goes past the time-out', async () => {
  const slow = { status: 503, headers: { 'Retry-After': '5' }, body: problem('unavailable', 503) };
  const server = await startScript(slow);
  const start = performance.now();
  const error = await failure(clientOf(server, { timeout: 2_000 }).customers.retrieve('x'));
  assert.ok(error instanceof Dirtylemon.UnavailableError);
  assert.equal(error.retryAfter, 5);
  assert.ok(performance.now() - start < 2_000);
});

test('a service that says nothing is given up after the time-out, and the error can be looked up in its log', async () => {
  const server = await startScript({ status: 'silence' });
  const error = await failure(clientOf(server, { timeout: 200 }).customers.retrieve('x'));
  assert.ok(error instanceof Dirtylemon.TimeoutError && error instanceof Dirtylemon.DirtylemonError);
  assert.equal(error.requestId, server.requests[0].headers['x-request-id']);
  assert.match(error.message, /within 200 ms: GET \/v1\/customers\/x/);
});

test('a service that is not there is told with its address', async () => {
  const client = new Dirtylemon({ apiKey: 'k', baseUrl: 'http://127.0.0.1:1', maxRetries: 0 });
  const error = await failure(client.customers.retrieve('x'));
  assert.ok(error instanceof Dirtylemon.ConnectionError);
  assert.match(error.message, /http:\/\/127\.0\.0\.1:1 was not reached/);
});

test('a signal ends a call while it waits for an answer, and while it waits for the next try', async () => {
  for (const status of ['silence', 500]) {
    const server = await startScript({ status, headers: { 'Retry-After': '20' } });
    const ending = new AbortController();
    const call = failure(clientOf(server).customers.retrieve('x', { signal: ending.signal }));
    await until(() => server.requests.length === 1);
    ending.abort(new Error('the chat was closed'));
    assert.equal((await call).message, 'the chat was closed');
  }
  const server = await startScript(FINE);
  const error = await failure(clientOf(server).customers.retrieve('x', { signal: AbortSignal.abort() }));
  assert.equal(error.name, 'AbortError');
  assert.equal(server.requests.length, 0);
});

test('what was removed by a try whose answer was lost is removed', async () => {
  const gone = { status: 404, body: problem('customer_not_found', 404) };
  const server = await startScript({ status: 'cut' }, gone);
  const removed = await clientOf(server).customers.del('x');
  assert.equal(removed.lastResponse.statusCode, 404);
});

test('what nobody has removed is not said to be', async () => {
  const gone = { status: 404, body: problem('customer_not_found', 404) };
  const notAsked = { status: 429, headers: { 'Retry-After': '0' }, body: problem('rate_limited', 429) };
  for (const [answers, name] of [
    [[gone], 'CustomerNotFoundError'],
    [[notAsked, gone], 'CustomerNotFoundError'],
    [[{ status: 'cut' }, { status: 404, body: '<h1>default backend</h1>' }], 'ApiError'],
    [[{ status: 'cut' }, { status: 404, body: problem('route_not_found', 404) }], 'RouteNotFoundError'],
  ]) {
    assert.equal((await failure(clientOf(await startScript(...answers)).customers.del('x'))).name, name);
  }
});

test('a connection on which nothing comes leaves time for another', async () => {
  const server = await startScript({ status: 'silence' }, FINE);
  const customer = await clientOf(server, { timeout: 8_000 }).customers.create(somebody());
  assert.equal(customer.id, 'x');
  assert.equal(new Set(server.requests.map(({ headers }) => headers['idempotency-key'])).size, 1);
});

test('the key does not go where a redirection leads', async () => {
  const elsewhere = await startScript(FINE);
  const server = await startScript({ status: 307, headers: { Location: `${elsewhere.origin}/v1/customers/x` } });
  const error = await failure(clientOf(server).customers.retrieve('x'));
  assert.equal(error.statusCode, 307);
  assert.equal(elsewhere.requests.length, 0);
});

test('an answer that says nothing of the service’s is an error that says where to look', async () => {
  for (const body of ['<h1>Welcome to my router</h1>', 'null', '42']) {
    const server = await startScript({ status: 200, body });
    const error = await failure(clientOf(server, { maxRetries: 0 }).customers.retrieve('x'));
    assert.ok(error instanceof Dirtylemon.ConnectionError, body);
    assert.match(error.message, /base URL/);
  }
  const server = await startScript({ status: 200, body: {} });
  assert.match((await failure(clientOf(server).customers.list())).message, /base URL/);
});

test('a problem document makes an error, whatever it says', async () => {
  for (const more of [
    { name: 'Error', message: 'm', stack: 's', requestId: 'r', lastResponse: 'l', cause: 'c' },
    { errors: {} },
    { errors: [null] },
    JSON.parse('{"__proto__": {"code": "x"}}'),
  ]) {
    const server = await startScript({ status: 422, body: problem('invalid_parameters', 422, more) });
    const error = await failure(clientOf(server).customers.retrieve('x'));
    assert.ok(error instanceof Dirtylemon.InvalidParametersError && error instanceof Error, JSON.stringify(more));
    assert.deepEqual([error.name, error.message, error.errors], ['InvalidParametersError', 'invalid_parameters.', []]);
    assert.equal(error.requestId, server.requests[0].headers['x-request-id']);
  }
});

test('errors are made by tests, too', () => {
  const error = new Dirtylemon.CustomerNotFoundError('he is not there');
  assert.deepEqual([error.code, error.message, error.errors], ['customer_not_found', 'he is not there', []]);
});

test('an answer without a body has the class of its status', async () => {
  const server = await startScript({ status: 401, body: '' });
  assert.ok((await failure(clientOf(server).customers.exists('x'))) instanceof Dirtylemon.UnauthorizedError);
});

test('nobody is said to be absent by a server that is another', async () => {
  const server = await startScript({ status: 404, body: problem('route_not_found', 404) });
  assert.ok((await failure(clientOf(server).customers.exists('x'))) instanceof Dirtylemon.RouteNotFoundError);
});

test('many calls share a signal', async () => {
  const warnings = [];
  const hear = warning => warnings.push(warning);
  process.on('warning', hear);
  const server = await startScript({ status: 'silence' });
  const ending = new AbortController();
  const calls = Array.from({ length: 30 }, () => failure(clientOf(server).customers.retrieve('x', { signal: ending.signal })));
  await until(() => server.requests.length > 0);
  ending.abort();
  await Promise.all(calls);
  await new Promise(resolve => setImmediate(resolve));
  process.off('warning', hear);
  assert.deepEqual(warnings, []);
});

test('a code that is not known yet is an error of the service all the same', async () => {
  const server = await startScript({ status: 418, body: problem('teapot', 418, { spout: 'short' }) });
  const error = await failure(clientOf(server).customers.retrieve('x'));
  assert.equal(error.constructor, Dirtylemon.ApiError);
  assert.deepEqual([error.code, error.spout], ['teapot', 'short']);
});

test('no error holds the key, whoever answers and whatever is wrong with it', async () => {
  const key = 'ckey_this-is-the-secret';
  const echo = { status: 500, body: problem('internal_error', 500, { detail: `you sent Bearer ${key}` }) };
  const errors = [];
  const echoes = { Echo: `Bearer ${key}`, 'X-Request-Id': key };
  const escaped = JSON.stringify(echo.body).replaceAll('ckey', '\\u0063key');
  for (const answer of [echo, { ...echo, body: escaped }, { status: 500, headers: echoes }, { status: 'cut' }, { status: 'silence' }, { status: 404, body: `<p>${key}` }, { body: key }]) {
    const server = await startScript(answer);
    errors.push(await failure(new Dirtylemon({ apiKey: key, baseUrl: server.origin, maxRetries: 0, timeout: 300 }).customers.retrieve('x')));
  }
  const settings = [{ apiKey: `${key}\n${key}` }, { apiKey: `${key}é` }, { apiKey: key, baseUrl: `http://u:${key}@127.0.0.1` }];
  for (const wrong of [...settings, { apiKey: key, baseUrl: 'http://127.0.0.1:1', maxRetries: 0 }]) {
    errors.push(await failure(new Dirtylemon(wrong).customers.retrieve('x')));
  }
  const telling = Object.assign(new Error(`sent Bearer ${key}`), { config: { headers: { Authorization: `Bearer ${key}` } } });
  const fetch = async () => Promise.reject(telling);
  errors.push(await failure(new Dirtylemon({ apiKey: key, fetch, maxRetries: 0 }).customers.retrieve('x')));
  for (const error of errors) {
    const told = [inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error), String(error), error.stack].join();
    assert.ok(!told.includes(key), told);
  }
  assert.ok(!inspect(new Dirtylemon({ apiKey: key }), { depth: 9, showHidden: true }).includes(key));
});

test('without a key the first call says what to set', async () => {
  const client = new Dirtylemon({ apiKey: '', baseUrl: 'http://127.0.0.1:1' });
  const error = await failure(client.customers.retrieve('x'));
  assert.ok(error instanceof Dirtylemon.ConfigurationError);
  assert.match(error.message, /set DIRTYLEMON_API_KEY/);
});

test('what is misspelled is refused by name', async () => {
  assert.throws(() => new Dirtylemon({ api_key: 'k' }), /no api_key: they are apiKey, baseUrl/);
  assert.throws(() => new Dirtylemon({ timeout: '30s' }), /timeout of the settings/);
  const { customers } = new Dirtylemon({ apiKey: 'k', baseUrl: 'http://127.0.0.1:1' });
  assert.throws(() => new Dirtylemon({ timeout: 0 }), /timeout of the settings/);
  assert.throws(() => new Dirtylemon({ fetch: 'x' }), /fetch of the settings/);
  assert.match((await failure(customers.create({}, { idempotency_key: 'x' }))).message, /no idempotency_key/);
  // What an operation does not look at is not taken: whoever says it relies on it.
  assert.match((await failure(customers.retrieve('x', { ifMatch: '"1"' }))).message, /no ifMatch/);
  assert.match((await failure(customers.update('x', {}, { idempotencyKey: 'x' }))).message, /no idempotencyKey/);
  // A proxy has dropped the tag: the change must not be made whatever there is now.
  assert.match((await failure(customers.update('x', {}, { ifMatch: undefined }))).message, /ifMatch .* makes no sense/);
  assert.match((await failure(customers.generate_confirmation('x', {}, {}))).message, /no more than customer_id, options/);
  assert.match((await failure(customers.list({ email: null }))).message, /email is null/);
  for (const id of [undefined, '', '.', '..', 7]) {
    assert.match((await failure(customers.retrieve(id))).message, /customers\.retrieve needs customer_id/, String(id));
  }
  assert.match((await failure(customers.create('+14185810827'))).message, /object of parameters/);
});

test('another fetch is taken', async () => {
  const seen = [];
  const fetch = async (url, init) => (seen.push([url, init.method]), Response.json({ id: 'y' }));
  const client = new Dirtylemon({ apiKey: 'k', baseUrl: 'https://customers.example.com/api/', fetch });
  assert.equal((await client.customers.retrieve('a/b')).id, 'y');
  assert.deepEqual(seen, [['https://customers.example.com/api/v1/customers/a%2Fb', 'GET']]);
});

test('a stream that is none is an error that says where to look', async () => {
  const server = await startScript({ status: 204, body: '' });
  const error = await failure(clientOf(server, { maxRetries: 0 }).events.stream().next());
  assert.ok(error instanceof Dirtylemon.ConnectionError);
  assert.match(error.message, /base URL/);
});
