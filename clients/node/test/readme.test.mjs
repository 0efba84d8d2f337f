// Every call of the README, run as it is printed, in its order.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { before, test } from 'node:test';

import dirtylemon from '../lib/index.js';
import { blocks } from '../../../tests/support/document.js';
import { CLIENT, project } from '../../../tests/support/package.js';
import { first, Program, starting } from '../../../tests/support/process.js';
import { apiDocument } from '../../../tests/support/service.js';
import { startService } from './support.mjs';

const README = blocks('clients/node/README.md');

let service;
before(async () => {
  service = await startService();
});

/** The programs of the README: what erases the customer comes last, and each block has its own names. */
function program() {
  const imports = new Set();
  const parts = README.filter(({ language }) => language === 'js').map(({ text, line }) => {
    const body = text.replace(/^import .*\n/gm, statement => (imports.add(statement.split(' //')[0].trim()), ''));
    return { body, line };
  });
  const [first] = parts;
  const isLast = ({ body }) => body.includes('customers.del(');
  const needsCard = ({ body }) => body.includes('card.retrieve(');
  const endpoint = parts.find(({ body }) => body.includes('webhook_endpoints.create('));
  const scoped = parts
    .filter(part => part !== first && part !== endpoint)
    .sort((one, other) => isLast(one) - isLast(other))
    .map(part => `// line ${part.line}\n{\n${needsCard(part) ? 'await theCustomerSavesACard(customer);\n' : ''}${part.body}}`);
  return [...imports, "import { theCustomerSavesACard } from './by-hand.mjs';", first.body, endpoint.body, ...scoped].join('\n');
}

test('every call of the README does what it says', async () => {
  const bot = await project();
  // He does so on his own page: here in the README's place.
  bot.write('by-hand.mjs', `export async function theCustomerSavesACard({ id }) {
  const response = await fetch(process.env.BY_HAND + id);
  if (!response.ok) throw new Error(await response.text());
}`);
  bot.write('readme.mjs', program());
  const byHand = createServer((request, response) => {
    service.saveTestCard({ id: request.url.slice(1) }).then(
      () => response.end(),
      error => response.writeHead(500).end(String(error)),
    );
  }).listen(0, '127.0.0.1');
  await once(byHand, 'listening');
  try {
    const env = { DIRTYLEMON_API_KEY: service.key, DIRTYLEMON_BASE_URL: service.origin };
    const printed = await bot.run('node', ['readme.mjs'], { ...env, BY_HAND: `http://127.0.0.1:${byHand.address().port}/` });
    assert.match(printed, /tries left/);
  } finally {
    byHand.closeAllConnections();
    byHand.close();
  }
});

test('every operation has its call in the README', async () => {
  const { paths } = await apiDocument();
  const text = README.map(({ text }) => text).join();
  const missing = Object.values(paths)
    .flatMap(methods => Object.values(methods).map(described => described['x-client-call']))
    .filter(call => !text.includes(`${call}(`));
  assert.deepEqual(missing, []);
  assert.equal(typeof dirtylemon.webhooks.verify, 'function');
});

test('the README is right in the eyes of TypeScript', async () => {
  const bot = await project();
  bot.write('by-hand.d.mts', 'export function theCustomerSavesACard(customer: { id: string }): Promise<void>;');
  bot.write('readme.mts', program());
  const types = ['--types', 'node', '--typeRoots', `${CLIENT}/node_modules/@types`];
  await bot.run(`${CLIENT}/node_modules/.bin/tsc`, ['--strict', '--noEmit', '--module', 'node16', '--target', 'es2022', ...types, 'readme.mts']);
});

test('the webhook server of the README outlives a request that is cut off', async () => {
  const { text } = README.find(({ text }) => text.includes('createServer'));
  const bot = await project();
  const endpoint = "const endpoint = { secret: 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=' };";
  const listen = "server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));";
  bot.write('server.mjs', `import dirtylemon from 'dirtylemon';\n${endpoint}\n${text}\n${listen}`);
  const program = new Program('node', ['server.mjs'], { cwd: bot.directory });
  starting(Promise.resolve(program));
  const port = Number(await program.until(({ stdout }) => first(stdout, /port (\d+)/)));
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc');
  socket.destroy();
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' });
  assert.equal(answer.status, 401);
});
