// Service and bot together, to look at: `make demo` builds the service and runs this with its path. It keeps nothing.

import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** How long the service may take to start, in milliseconds. */
const START = 60_000;

const binary = path.resolve(process.argv[2]);
const directory = mkdtempSync(path.join(tmpdir(), 'customers-demo-'));
// It is a service of its own, whatever other one the environment is for.
const { CUSTOMERS_SECRET_KEY, CUSTOMERS_SECRET_KEY_PREVIOUS, ...env } = process.env;
const settings = { CUSTOMERS_DATABASE_URL: `sqlite:${path.join(directory, 'customers.db')}`, CUSTOMERS_LOG_FORMAT: 'text' };
const options = { cwd: directory, env: { ...env, ...settings } };

let bot;
// In a group of its own: Ctrl-C is for this program, which then ends the service in its own order.
const service = spawn(binary, ['serve', '--dev'], { ...options, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
const ended = new Promise(resolve => {
  service.once('error', error => resolve(`${binary} cannot be started: ${error.message}`));
  service.once('exit', (code, signal) => resolve(`the service has ended (${signal ?? code})`));
});
let ending = false;
// A second signal would not let it finish what it has begun.
const end = () => {
  ending = true;
  return service.killed || service.kill();
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);

try {
  const origin = await Promise.race([listening(), ended.then(why => Promise.reject(new Error(why)))]);
  const { stdout } = await promisify(execFile)(binary, ['keys', 'create', '--name', 'conversation'], options);
  process.env.DIRTYLEMON_API_KEY = stdout.trim();
  process.env.DIRTYLEMON_BASE_URL = origin;
  const { startBot } = await import('./bot.js');
  bot = await startBot({ port: process.env.PORT });
  console.log(`\nTalk to the bot: ${bot.origin}/\n\nWhat it sends to telephones is printed here. Ctrl-C ends it.\n`);
  const why = await ended;
  if (!ending) throw new Error(why);
} catch (error) {
  // Whoever ends it while it starts knows why.
  if (!ending) {
    console.error(error.message);
    process.exitCode = 1;
  }
} finally {
  bot?.close();
  end();
  await ended;
  rmSync(directory, { recursive: true, force: true });
}

/** Where the service listens, once it does. Of what it logs, only what is amiss is shown. */
function listening() {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('the service does not start')), START).unref();
    createInterface({ input: service.stderr }).on('line', line => {
      const origin = /listening on (http:\/\/\S+)/.exec(line)?.[1];
      if (origin) resolve(origin);
      else if (!line.includes(' INFO ')) console.error(line);
    });
  });
}
