// The service under test: the built binary, on a database of its own.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { first, Program, remove, starting, temporaryDirectory } from './process.js';

const run = promisify(execFile);

/** The root of the tree. */
export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** The databases that the service runs on. PostgreSQL is the server at `TEST_DATABASE_URL`. */
export const DATABASES = ['SQLite', 'PostgreSQL'];

/** Any 32 bytes: with PostgreSQL the service makes no secret by itself. */
const SECRET_KEY = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';

/** A program that cargo has built. */
function built(name) {
  const found = path.resolve(repository, process.env.CARGO_TARGET_DIR || 'target', 'debug', name);
  if (!existsSync(found)) throw new Error(`there is no ${found}: build it (make test-js does)`);
  return found;
}

/** The API's document, as the binary prints it. */
export const apiDocument = async () => JSON.parse((await run(binary(), ['openapi'], { maxBuffer: 2 ** 24 })).stdout);

/** The service: the one that was built, or `CUSTOMERS_BIN`. */
export const binary = () => path.resolve(process.env.CUSTOMERS_BIN || built('customers'));

/** Node 20 has no SQLite, and Python always has it. It waits as long as the service may keep the file to itself. */
const SQLITE = `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
changed = database.execute(sys.argv[2], sys.argv[3:]).rowcount
print(f'changed {changed}', flush=True)
`;
/** Ends with whoever started it, and the lock with it. */
const LOCK = `${SQLITE}sys.stdin.read()\n`;

/**
 * Starts `customers serve --dev` and waits until it listens, on a free port. The settings (`{CUSTOMERS_…: '…'}`) are all
 * that it has: `CUSTOMERS_…` variables of the tests' own environment do not reach it. Without `dev` it is started as where
 * it is deployed, and so without the provider of test cards.
 */
export const startService = (settings = {}, { dev = true, database = 'SQLite' } = {}) =>
  starting(launchService(settings, dev, database));

/** What tests do not hand on: settings of the service and the client, and what tells a make that another one runs it. */
const NOT_OURS = /^(?:(?:CUSTOMERS|DIRTYLEMON)_.*|MAKEFLAGS|MAKELEVEL|MFLAGS)$/;

/** The environment without that. */
export const cleanEnvironment = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_OURS.test(name)));

async function launchService(settings, dev, database) {
  const env = { ...cleanEnvironment(), CUSTOMERS_LISTEN: '127.0.0.1:0', ...settings };
  const programs = [];
  if (database === 'PostgreSQL') {
    const holder = new Program(built('test-database'), [], {});
    programs.push(holder);
    env.CUSTOMERS_DATABASE_URL = await holder.until(({ stdout }) => first(stdout, /^(postgres:.*)\n/));
    env.CUSTOMERS_SECRET_KEY ??= SECRET_KEY;
  }
  const service = new Service(temporaryDirectory('service'), env, dev, programs);
  await service.start();
  return service;
}

class Service {
  #env;
  #dev;
  #program;
  /** What ends with it, after it. */
  #programs;
  #created = 0;

  constructor(directory, env, dev, programs) {
    this.directory = directory;
    this.#env = env;
    this.#dev = dev;
    this.#programs = programs;
  }

  /** Starts it, at first and after `end`: then where it was. */
  async start() {
    const options = { cwd: this.directory, env: this.#env };
    this.#program = new Program(binary(), this.#dev ? ['serve', '--dev'] : ['serve'], options);
    const ready = await this.#program.until(({ stdout, stderr }) => {
      const origin = first(stderr, /listening on (http:\/\/[\w.:[\]-]+)\s/);
      const key = this.key ?? first(stdout, /(ckey_[\w-]+)\s/);
      return origin && (key || !this.#dev) && { origin, key };
    });
    this.origin = ready.origin;
    this.key = ready.key ?? (await run(binary(), ['keys', 'create', '--name', 'test'], options)).stdout.trim();
    this.#env = { ...this.#env, CUSTOMERS_LISTEN: new URL(this.origin).host };
  }

  /** Ends it, and leaves what it has stored. */
  async end() {
    await this.#program.stop();
  }

  url(path) {
    return new URL(path, this.origin).href;
  }

  /** All that it has logged and printed until now. */
  get log() {
    return this.#program.stdout + this.#program.stderr;
  }

  /** Asks the API with the key; throws when it refuses. The answer's JSON, `undefined` when there is none. */
  async api(method, path, body) {
    const headers = { Authorization: `Bearer ${this.key}` };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const answer = await fetch(this.url(path), { method, headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} is answered ${answer.status}: ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** A new customer with a number of his own, as *retrieve* shows him: with the links to his pages. */
  async customer(attributes = {}) {
    const number = `(418) 581-${String(this.#created++).padStart(4, '0')}`;
    const created = await this.api('POST', '/v1/customers', {
      unconfirmed_phone_number: number,
      country_code: 'CA',
      ...attributes,
    });
    return this.api('GET', `/v1/customers/${created.id}`);
  }

  /** Saves a test card on the customer's own page, as its script does. */
  async saveTestCard({ id }) {
    const { card_url } = await this.api('GET', `/v1/customers/${id}`);
    const headers = { Origin: this.origin };
    const shown = await fetch(card_url, { headers });
    headers.Cookie = shown.headers.getSetCookie()[0].split(';')[0];
    const form_token = first(await shown.text(), /name="form_token" value="([^"]+)"/);
    const post = action =>
      fetch(card_url, { method: 'POST', headers, body: new URLSearchParams({ form_token, action }) }).then(page => page.text());
    const client_secret = first(await post('begin'), /data-client-secret="([^"]+)"/);
    const card = { client_secret, token: 'pm_card_visa', exp_month: 12, exp_year: 2034 };
    const json = { 'Content-Type': 'application/json' };
    await fetch(this.url('/test-cards/setups/confirm'), { method: 'POST', headers: json, body: JSON.stringify(card) });
    await post('finish');
  }

  /** Lets the links that a customer has now expire, as if their time were over. */
  async expireLinks({ id }) {
    const statement = 'UPDATE links SET expires_at = created_at + 1 WHERE hex(customer_id) = ?';
    const customer = id.replaceAll('-', '').toUpperCase();
    const { stdout } = await run('python3', ['-c', SQLITE, this.#database, statement, customer]);
    if (!/^changed [1-9]/.test(stdout)) throw new Error(`no link of ${id} is there to expire: ${stdout}`);
  }

  /** Keeps the service from writing, until what is answered is called. */
  async lock() {
    const program = new Program('python3', ['-c', LOCK, this.#database, 'BEGIN EXCLUSIVE'], {});
    await program.until(({ stdout }) => stdout.includes('changed'));
    return () => program.stop();
  }

  get #database() {
    return path.join(this.directory, 'customers.db');
  }

  async stop() {
    await this.end();
    await Promise.all(this.#programs.map(program => program.finish()));
    remove(this.directory);
  }
}
