// The calls that the API's document and its page show for each operation do what they say, as they are printed.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { project } from '../../../tests/support/package.js';
import { apiDocument } from '../../../tests/support/service.js';
import { DATABASES, clientOf, somebody, startService, until } from './support.mjs';

const document = await apiDocument();
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, described]) => ({ name: `${method.toUpperCase()} ${path}`, ...described })),
);

const sampleOf = operation => operation['x-codeSamples'].find(({ lang }) => lang === 'JavaScript').source;

let bot;
before(async () => {
  bot = await project();
});

/** Things that are there, by the examples that stand for them in the document. */
async function things(service) {
  const client = clientOf(service);
  const endpoint = await client.webhook_endpoints.create({ url: 'https://bot.example.com/customers', event_types: ['verification'] });
  const customer = await client.customers.create(somebody());
  await client.customers.confirm(customer.id, { confirmation_token: customer.confirmation_token });
  await service.saveTestCard(customer);
  const ottawa = { name: 'Yogi Berra', line1: '1 Wellington St', postal_code: 'K1A 0A6', city: 'Ottawa', region: 'ON', country: 'CA' };
  await client.addresses.save(customer.id, 'billing', ottawa);
  const changing = await client.customers.change_phone_number(customer.id, somebody());
  let delivery;
  await until(async () => ([delivery] = await client.webhook_endpoints.list_deliveries(endpoint.id)).length > 0);
  const [event] = await client.events.list({ customer_id: customer.id });
  return {
    '0193573c-5c2b-7c3a-9d0e-1f2a3b4c5d6e': customer.id,
    we_0193573c5c2b7c3a9d0e1f2a3b4c5d6e: endpoint.id,
    evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e: event.id,
    dlv_0193573c5c2b7c3a9d0e1f2a3b4c5d6e: delivery.id,
    '042917': changing.confirmation_token,
  };
}

/** What must not be there yet, so that it can be made. */
const made = {
  create_customer_with_id: () => ({ '0193573c-5c2b-7c3a-9d0e-1f2a3b4c5d6e': crypto.randomUUID(), '(418) 581-0827': '(418) 581-0828' }),
  change_phone_number: () => ({ '(418) 581-0828': '(418) 581-0829' }),
};

for (const database of DATABASES) {
  describe(`on ${database}`, () => {
    let service;
    before(async () => {
      service = await startService({}, { database });
    });

    for (const operation of operations) {
      test(`${operation.name} is called as it is shown`, async () => {
        const there = { ...(await things(service)), ...made[operation.operationId]?.() };
        let source = sampleOf(operation);
        for (const [example, thing] of Object.entries(there)) source = source.replaceAll(example, thing);
        // A stream has no end: the bot leaves it when it has seen what it must.
        if (operation.operationId === 'stream_events') source = source.replace('.stream()', `.stream({ after: '${there.evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e}' })`).replace(/;\n}$/, '; break;\n}');
        const name = `${operation.operationId}-${database}.mjs`;
        bot.write(name, source);
        const printed = await bot.run('node', [name], { DIRTYLEMON_API_KEY: service.key, DIRTYLEMON_BASE_URL: service.origin });
        assert.equal(printed === '', !source.includes('console.log'), printed);
      });
    }
  });
}

test('the calls that are shown are right in the eyes of TypeScript', async () => {
  for (const operation of operations) bot.write(`${operation.operationId}.mjs`, sampleOf(operation));
  const { CLIENT } = await import('../../../tests/support/package.js');
  const names = operations.map(({ operationId }) => `${operationId}.mjs`);
  const options = ['--strict', '--noEmit', '--allowJs', '--checkJs', '--module', 'node16', '--target', 'es2022', '--types', 'node'];
  await bot.run(`${CLIENT}/node_modules/.bin/tsc`, [...options, '--typeRoots', `${CLIENT}/node_modules/@types`, ...names]);
});
