// docs/quickstart.md, followed to the letter by somebody with three terminals.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { after, test } from 'node:test';

import { assertLooksLike, Console, steps } from '../support/console.js';
import { first, Program, starting, stopAll, temporaryDirectory } from '../support/process.js';
import { repository } from '../support/service.js';

after(stopAll);

/** A port that nobody listens on. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A command that goes on: it has said that it is ready when it has printed this. */
const started = (command, options, ready) => {
  const program = new Program('bash', ['-c', `exec ${command}`], options);
  starting(Promise.resolve(program));
  return program.until(({ stdout }) => first(stdout, ready)).then(found => ({ program, found }));
};

test('the quickstart leads from nothing to a confirmed number, and to an event', async () => {
  const [service, receiver] = [await freePort(), await freePort()];
  const here = text => text.replaceAll('127.0.0.1:8080', `127.0.0.1:${service}`).replaceAll('9000', receiver);
  // What the reader has not to say, for nobody else is on his ports: the addresses.
  const terminal = new Console({ DIRTYLEMON_BASE_URL: `http://127.0.0.1:${service}` });
  starting(Promise.resolve(terminal));
  const all = steps('docs/quickstart.md');
  let key;
  let receiving;
  let commands = 0;
  for (const { command, output, file, text } of all) {
    if (file) {
      terminal.write(file, here(text));
    } else if (!command) {
      const printed = await receiving.until(({ stdout }) => first(stdout, /(to \+14185810849: .*)\n/));
      assertLooksLike(printed, text.trim(), 'the third terminal');
    } else if (command === 'make run') {
      // Without its build: the tests run what was built for them.
      const database = path.join(temporaryDirectory('quickstart'), 'customers.db');
      const env = { ...terminal.env, CARGO: 'true', CUSTOMERS_LISTEN: `127.0.0.1:${service}`, CUSTOMERS_DATABASE_URL: `sqlite:${database}` };
      const { program, found } = await started(command, { cwd: repository, env }, /(ckey_[\w-]+)\n/);
      key = found;
      assertLooksLike(program.stdout.split(key)[0] + key, `\n${here(output)}`, command);
    } else if (command === 'node receive.mjs') {
      const env = { ...terminal.env, DIRTYLEMON_API_KEY: key };
      const { program, found } = await started(command, { cwd: path.join(terminal.home, 'bot'), env }, /^(.*)\n/);
      receiving = program;
      assertLooksLike(found, output, command);
    } else {
      await terminal.follow({ command, output }, { host: `127.0.0.1:${service}`, key });
    }
    commands += command ? 1 : 0;
  }
  assert.ok(commands >= 14, `${commands} commands`);
  assert.ok(receiving, 'the receiver was started');
});
