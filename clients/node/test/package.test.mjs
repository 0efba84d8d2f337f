// The package: what is in it, how it is loaded, and what TypeScript makes of it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';

import dirtylemon from '../lib/index.js';
import generated from '../generate.js';
import { CLIENT, pack, project } from '../../../tests/support/package.js';
import { apiDocument } from '../../../tests/support/service.js';
import { startService } from './support.mjs';

const tool = name => path.join(CLIENT, 'node_modules', '.bin', name);

let bot;
before(async () => {
  bot = await project();
});

test('what is written by the generator follows from the document of the service', async () => {
  const files = generated.generate(await apiDocument());
  for (const [name, text] of Object.entries(files)) {
    const there = readFileSync(path.join(CLIENT, 'lib', name), 'utf8');
    assert.equal(there, text, `lib/${name} is not what the document says: customers openapi | node clients/node/generate.js`);
  }
});

test('every operation of the document is a method, under both spellings', async () => {
  const { paths } = await apiDocument();
  const calls = Object.values(paths).flatMap(methods => Object.values(methods).map(described => described['x-client-call']));
  assert.ok(calls.length > 30);
  const camelCase = name => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  for (const call of calls) {
    const [resource, method] = call.split('.');
    assert.equal(typeof dirtylemon[resource][method], 'function', call);
    assert.equal(dirtylemon[camelCase(resource)][camelCase(method)], dirtylemon[resource][method], call);
  }
});

test('it is small, needs nothing, and holds what it says', async () => {
  const { size, files } = await pack();
  assert.ok(size <= 30 * 1024, `${size} bytes packed`);
  const names = files.map(({ path }) => path);
  for (const needed of ['LICENSE', 'README.md', 'package.json', 'lib/index.js', 'lib/index.mjs', 'lib/index.d.ts', 'lib/index.d.mts']) {
    assert.ok(names.includes(needed), needed);
  }
  assert.deepEqual(names.filter(name => !/^(?:lib\/|LICENSE$|README\.md$|package\.json$)/.test(name)), []);
  const { dependencies, peerDependencies, optionalDependencies } = JSON.parse(readFileSync(path.join(CLIENT, 'package.json'), 'utf8'));
  assert.deepEqual([dependencies, peerDependencies, optionalDependencies], [undefined, undefined, undefined]);
});

test('it is used by require and by import in an empty project', async () => {
  const service = await startService();
  const env = { DIRTYLEMON_API_KEY: service.key, DIRTYLEMON_BASE_URL: service.origin };
  const use = `dirtylemon.customers.create({ unconfirmed_phone_number: '333-333-333', country_code: 'US' })
    .then(() => dirtylemon.customers.create({ unconfirmed_phone_number: '333-333-333', country_code: 'US' }))
    .catch(error => console.log(error instanceof PhoneNumberTakenError, error.existing_customer_confirmed));\n`;
  bot.write('common.js', `const dirtylemon = require('dirtylemon');\nconst { PhoneNumberTakenError } = dirtylemon;\n${use}`);
  bot.write('module.mjs', `import dirtylemon, { PhoneNumberTakenError } from 'dirtylemon';\n${use.replace('333-333-333', '333-333-334').replace('333-333-333', '333-333-334')}`);
  assert.equal(await bot.run('node', ['common.js'], env), 'true false\n');
  assert.equal(await bot.run('node', ['module.mjs'], env), 'true false\n');
});

const USE = `
async function greet(client: Dirtylemon, id: string): Promise<string> {
  const customer: Customer = await client.customers.retrieve(id, { timeout: 1000 });
  for await (const { id, phone_number } of client.customers.list({ confirmed: true, created_after: new Date() })) {
    const number: string | null = phone_number;
    console.log(id, number);
  }
  const page = await dirtylemon.customers.list({ limit: 2 });
  if (page.nextPage) await dirtylemon.customers.list(page.nextPage);
  const status: number = page.lastResponse.statusCode;
  const some: Customer[] = await dirtylemon.customers.list().autoPagingToArray({ limit: 10 });
  const event = dirtylemon.webhooks.verify(Buffer.from(''), { 'webhook-id': 'x' }, 'whsec_x', { tolerance: 60 });
  switch (event.type) {
    case 'verification': {
      const { status, confirmation_token } = event.data;
      if (status === 'pending') return confirmation_token ?? 'hidden';
      break;
    }
    case 'customer.updated':
      return event.data.changed.join();
    case 'customer.erased':
      return event.data.customer_id;
    case 'ping':
      break;
  }
  try {
    await client.customers.generateConfirmation(id, { idempotencyKey: 'x', ifMatch: '"1"' });
  } catch (error) {
    if (error instanceof ConfirmationTokenInvalidError) return String(error.attempts_remaining);
    if (error instanceof InvalidParametersError) return error.errors.map(({ field }) => field).join();
    if (error instanceof ApiError) return \`\${error.requestId} \${error.retryAfter}\`;
    throw error;
  }
  await client.webhookEndpoints.listDeliveries('we_x', { status: 'failed' });
  // @ts-expect-error: a country is needed
  await client.customers.create({ unconfirmed_phone_number: '1' });
  // @ts-expect-error: the API has no such member
  await client.customers.update(id, { nickname: 'x' });
  const endpoint = await client.webhookEndpoints.create({ url: 'https://x.example', event_types: ['verification'] });
  const secret: string = endpoint.secret;
  const maybe: string | undefined = process.env['X'];
  new Dirtylemon({ apiKey: maybe, baseUrl: maybe });
  new CustomerNotFoundError(secret);
  // @ts-expect-error: what reads is not named
  await client.customers.retrieve(id, { idempotencyKey: 'x' });
  // @ts-expect-error: there are two addresses
  await client.addresses.del(id, 'home');
  return \`\${customer.first_name} \${status} \${some.length}\`;
}
void greet(new Dirtylemon({ apiKey: 'k', baseUrl: 'https://example.com', timeout: 1, maxRetries: 0, fetch }), 'x');
`;
const NAMES = 'ApiError, ConfirmationTokenInvalidError, CustomerNotFoundError, InvalidParametersError';

test('TypeScript in its strictest mode takes it, from modules and from CommonJS', async () => {
  bot.write('module.mts', `import dirtylemon, { Dirtylemon, ${NAMES} } from 'dirtylemon';\nimport type { Customer } from 'dirtylemon';\n${USE}`);
  bot.write('common.cts', `import dirtylemon = require('dirtylemon');
import Dirtylemon = dirtylemon.Dirtylemon;
import Customer = dirtylemon.Customer;
const { ${NAMES} } = dirtylemon;
${USE}`);
  const options = ['--strict', '--noEmit', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--target', 'es2022', '--types', 'node'];
  const types = path.join(CLIENT, 'node_modules', '@types');
  await bot.run(tool('tsc'), [...options, '--module', 'node16', '--typeRoots', types, 'module.mts', 'common.cts']);
});

test('publint and are-the-types-wrong find nothing', async () => {
  const { tarball } = await pack();
  await bot.run(tool('publint'), ['--strict', tarball]);
  await bot.run(tool('attw'), [tarball, '--no-emoji']);
});
