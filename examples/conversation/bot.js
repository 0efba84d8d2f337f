// The bot: a page to chat on, and an address that Customers tells its events to.
//
//     DIRTYLEMON_API_KEY=ckey_… DIRTYLEMON_BASE_URL=http://127.0.0.1:8080 node bot.js

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

import dirtylemon, { SignatureVerificationError } from 'dirtylemon';

import { Conversations } from './conversations.js';
// The line to change for a provider of text messages.
import { send } from './sms.js';

/** The most bytes that a request may have: an event of Customers, the longest, has a few KiB. */
const MOST_BYTES = 64 * 1024;
const MOST_CHARACTERS = 500;

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

const file = (name, type) => ({ type, text: readFileSync(new URL(`page/${name}`, import.meta.url)) });
const FILES = {
  '/': file('index.html', 'text/html; charset=utf-8'),
  '/chat.js': file('chat.js', 'text/javascript; charset=utf-8'),
  '/chat.css': file('chat.css', 'text/css; charset=utf-8'),
};

/** Starts the bot on a port of this machine. `url` is where Customers reaches it; else that port. */
export async function startBot({ port = 3000, url } = {}) {
  const bot = new Bot();
  await bot.listen(port);
  try {
    await bot.subscribe(url ?? bot.origin);
  } catch (error) {
    bot.close();
    throw error;
  }
  return bot;
}

class Bot {
  #conversations = new Conversations({ dirtylemon, send });
  #server = createServer((request, response) => this.#answer(request, response).catch(error => failed(response, error)));
  #secret;
  /** By which names it is asked: a page of another may not have its visitor's browser talk to it. */
  #hosts = new Set();
  #isSecure = false;

  async listen(port) {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    const { port: chosen } = this.#server.address();
    this.origin = `http://127.0.0.1:${chosen}`;
    this.#hosts.add(`127.0.0.1:${chosen}`).add(`localhost:${chosen}`);
  }

  /** Has Customers send its events here. An endpoint of an earlier start gets a new secret: the old one is forgotten. */
  async subscribe(origin) {
    const url = `${origin}/webhook`;
    this.#hosts.add(new URL(url).host);
    this.#isSecure = url.startsWith('https:');
    const endpoints = dirtylemon.webhook_endpoints;
    const event_types = ['verification', 'customer.updated', 'customer.erased'];
    const old = (await endpoints.list()).find(endpoint => endpoint.url === url);
    const { secret } = old ? await endpoints.rotate_secret(old.id) : await endpoints.create({ url, event_types });
    this.#secret = secret;
    if (old) await endpoints.update(old.id, { event_types, disabled: false });
  }

  async #answer(request, response) {
    const [pathname] = request.url.split('?');
    if (!this.#hosts.has(request.headers.host)) return response.writeHead(421, HEADERS).end();
    const route = `${request.method} ${pathname}`;
    if (route === 'POST /webhook') return this.#event(request, response);
    if (route === 'GET /messages') return this.#watch(request, response);
    if (route === 'POST /messages') return this.#say(request, response);
    const found = request.method === 'GET' && FILES[pathname];
    if (!found) return response.writeHead(404, HEADERS).end();
    return response.writeHead(200, { ...HEADERS, 'Content-Type': found.type }).end(found.text);
  }

  async #event(request, response) {
    const body = await bodyOf(request);
    let event;
    try {
      event = dirtylemon.webhooks.verify(body, request.headers, this.#secret);
    } catch (error) {
      if (!(error instanceof SignatureVerificationError)) throw error;
      return response.writeHead(401).end(error.message);
    }
    await this.#conversations.learn(event);
    return response.writeHead(204).end();
  }

  #talk({ headers }) {
    return this.#conversations.find(/(?:^|; )conversation=([\w-]+)/.exec(headers.cookie ?? '')?.[1]);
  }

  #watch(request, response) {
    const talk = this.#talk(request);
    // Nothing was said yet, or it is forgotten.
    if (!talk) return response.writeHead(204).end();
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
    const show = message => response.write(`data: ${JSON.stringify(message)}\n\n`);
    response.on('close', talk.watch({ show, end: () => response.end() }));
  }

  /** The first word begins a conversation, and gets a cookie that leads back to it. */
  async #say(request, response) {
    // Another page can neither send this type without being asked first, nor the cookie.
    const isOurs = /^application\/json\b/.test(request.headers['content-type']);
    const text = isOurs ? JSON.parse(await bodyOf(request))?.text : undefined;
    const isText = typeof text === 'string' && text.trim() !== '' && text.length <= MOST_CHARACTERS;
    if (!isText) return response.writeHead(400, HEADERS).end();
    const known = this.#talk(request);
    const talk = known ?? this.#conversations.begin(countryOf(request.headers['accept-language']));
    const cookie = `conversation=${talk.id}; HttpOnly; SameSite=Strict; Path=/${this.#isSecure ? '; Secure' : ''}`;
    return response.writeHead(talk.say(text) ? (known ? 204 : 201) : 429, { ...HEADERS, ...(known ? {} : { 'Set-Cookie': cookie }) }).end();
  }

  close() {
    this.#conversations.close();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function failed(response, error) {
  const status = error instanceof SyntaxError ? 400 : (error.status ?? 500);
  if (status === 500) console.error(error);
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { ...HEADERS, Connection: 'close' }).end();
}

async function bodyOf(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MOST_BYTES) throw Object.assign(new Error('too long'), { status: 413 });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The country of a browser's first language: in its spelling a number without a country's code is read. */
function countryOf(languages = '') {
  try {
    const { region } = new Intl.Locale(languages.split(/[,;]/)[0]).maximize();
    // Some name a part of the world by digits.
    return /^[A-Z]{2}$/.test(region) ? region : 'US';
  } catch {
    return 'US';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bot = await startBot({ port: process.env.PORT, url: process.env.BOT_URL });
  console.log(`Talk to the bot: ${bot.origin}/`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => bot.close());
}
