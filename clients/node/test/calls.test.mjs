// The calls, as users make them, against the service on both databases.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import * as module from '../lib/index.mjs';
import dirtylemon from '../lib/index.js';
import { DATABASES, clientOf, failure, somebody, startService, until } from './support.mjs';

const NOBODY = '0193573c-5c2b-7c3a-9d0e-1f2a3b4c5d6e';

for (const database of DATABASES) {
  describe(`on ${database}`, () => {
    let service;
    let client;
    before(async () => {
      service = await startService({}, { database });
      client = clientOf(service);
    });

    test('the calls of the reference work as they are printed', async () => {
      process.env.DIRTYLEMON_API_KEY = service.key;
      process.env.DIRTYLEMON_BASE_URL = service.origin;
      const { id, confirmation_token } = await dirtylemon.customers.create({
        unconfirmed_phone_number: '333-333-333',
        country_code: 'US',
        first_name: 'Yogi',
        last_name: 'Berra',
        email: 'yogi@berra.com'
      });
      await dirtylemon.customers.generate_confirmation(id);
      const retrieved = await dirtylemon.customers.retrieve(id);
      assert.notEqual(retrieved.confirmation_token, confirmation_token);
      const confirmed = await dirtylemon.customers.confirm(id, { confirmation_token: retrieved.confirmation_token });
      assert.equal(confirmed.phone_number, retrieved.unconfirmed_phone_number);
      const updated = await dirtylemon.customers.update(id, { email: 'lawrence@berra.com' });
      assert.equal(updated.email, 'lawrence@berra.com');
    });

    test('a client made with settings calls as they say, whatever the environment says', async () => {
      process.env.DIRTYLEMON_API_KEY = 'ckey_of-another';
      const { customers } = new dirtylemon({ apiKey: ` ${service.key}\n`, baseUrl: `${service.origin}/` });
      assert.equal(await customers.exists(NOBODY), false);
    });

    test('every result has the answer beside it, where it is in nobody’s way', async () => {
      const customer = await client.customers.create(somebody());
      const { requestId, statusCode, headers } = customer.lastResponse;
      assert.equal(statusCode, 201);
      assert.equal(headers['x-request-id'], requestId);
      await until(() => service.log.includes(requestId));
      assert.equal(Object.keys(customer).length, 15);
      assert.ok(!('lastResponse' in { ...customer }) && !JSON.stringify(customer).includes('lastResponse'));
      const nothing = await client.customers.generateConfirmation(customer.id);
      assert.deepEqual({ ...nothing }, {});
      assert.equal(nothing.lastResponse.statusCode, 201);
    });

    test('a change is made to what was read, or not at all', async () => {
      const read = await client.customers.create(somebody());
      const { etag } = read.lastResponse.headers;
      await client.customers.update(read.id, { first_name: 'Yogi' }, { ifMatch: etag });
      const error = await failure(client.customers.update(read.id, { first_name: 'Lawrence' }, { ifMatch: etag }));
      assert.ok(error instanceof module.PreconditionFailedError);
      assert.equal((await client.customers.retrieve(read.id)).first_name, 'Yogi');
    });

    test('a list is its first page when it is awaited, and everything when it is gone through', async () => {
      const created = [];
      for (let count = 0; count < 5; count++) created.push((await client.customers.create(somebody({ email: 'five@example.com' }))).id);
      const newest = created.toReversed();
      const list = () => client.customers.list({ email: 'five@example.com', limit: 2 });
      const ids = customers => customers.map(({ id }) => id);

      const page = await list();
      assert.ok(Array.isArray(page));
      assert.deepEqual(ids(page), newest.slice(0, 2));
      assert.equal(page.lastResponse.statusCode, 200);
      assert.equal(page.nextPage.limit, 2);
      const second = await client.customers.list(page.nextPage);
      assert.deepEqual(ids(second), newest.slice(2, 4));
      assert.equal((await client.customers.list(second.nextPage)).nextPage, null);

      const all = [];
      for await (const { id } of list()) all.push(id);
      assert.deepEqual(all, newest);
      const ofPage = [];
      for await (const { id } of page) ofPage.push(id);
      assert.deepEqual(ofPage, newest, 'an awaited page is not mistaken for everything');
      const once = list();
      assert.equal(await once, await once);
      assert.deepEqual(ids(await list().autoPagingToArray({ limit: 3 })), newest.slice(0, 3));
      assert.match((await failure(list().autoPagingToArray())).message, /limit: 1000/);
      const times = { created_after: new Date(Date.now() - 60_000), created_before: new Date(Date.now() + 60_000) };
      assert.equal((await client.customers.list({ email: 'FIVE@example.com', confirmed: false, ...times })).length, 5);
      assert.deepEqual([...(await client.customers.list({ email: 'five@example.com', confirmed: true }))], []);
      const wrong = await failure(client.customers.list({ mail: 'x' }));
      assert.deepEqual(wrong.errors.map(({ field, code }) => [field, code]), [['mail', 'unknown']]);
    });

    test('a refusal is an error of its code’s class, with what the service says', async () => {
      const customer = await client.customers.create(somebody());
      const cases = [
        [() => client.customers.retrieve(NOBODY), 'CustomerNotFoundError', { statusCode: 404, code: 'customer_not_found' }],
        [() => client.customers.create({ unconfirmed_phone_number: '1' }), 'InvalidParametersError', { statusCode: 422 }],
        [
          () => client.customers.create({ ...somebody(), unconfirmed_phone_number: customer.unconfirmed_phone_number }),
          'PhoneNumberTakenError',
          { existing_customer_id: customer.id, existing_customer_confirmed: false },
        ],
        [() => client.card.retrieve(customer.id), 'CardNotFoundError', {}],
        [() => clientOf({ key: 'ckey_wrong', origin: service.origin }).customers.list(), 'UnauthorizedError', { statusCode: 401 }],
      ];
      for (const [call, name, members] of cases) {
        const error = await failure(call());
        assert.ok(error instanceof module[name] && error instanceof module.ApiError && error instanceof Error, name);
        assert.equal(error.name, name);
        assert.equal(error.requestId, error.lastResponse.headers['x-request-id']);
        for (const [member, value] of Object.entries(members)) assert.equal(error[member], value, `${name}.${member}`);
      }
      const { errors, message } = await failure(client.customers.create({ email: 'x' }));
      assert.deepEqual(errors.map(({ field }) => field).sort(), ['country_code', 'email', 'unconfirmed_phone_number']);
      assert.match(message, /email must be/);
    });

    test('an id that holds a path leads nowhere else', async () => {
      const error = await failure(client.customers.retrieve('../events'));
      assert.equal(error.code, 'customer_not_found');
      assert.equal(await client.customers.exists('x/../../healthz'), false);
      const elsewhere = clientOf({ key: service.key, origin: `${service.origin}/elsewhere` });
      assert.equal((await failure(elsewhere.customers.exists(NOBODY))).code, 'route_not_found');
    });
  });
}

test('both ways to load it give the same class, and the same classes of errors', () => {
  assert.equal(module.default, dirtylemon);
  assert.equal(module.Dirtylemon, dirtylemon);
  for (const [name, value] of Object.entries(module)) {
    if (name !== 'default') assert.equal(value, dirtylemon[name], name);
  }
});
