// One call: a request that is sent, and sent again where that may help, until its time is over.
'use strict';

const { randomUUID } = require('node:crypto');
const { version } = require('../package.json');
const { ConfigurationError, ConnectionError, TimeoutError, errorOf } = require('./errors.js');

/** The pause before the second try, in milliseconds. It doubles with each, up to the longest. */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 5_000;

/** The longest that a timer can be set to, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

const DEFAULTS = { baseUrl: 'http://127.0.0.1:8080', timeout: 30_000, maxRetries: 3 };

/** What a client, and what a call, can be told. */
const SETTINGS = ['apiKey', 'baseUrl', 'timeout', 'maxRetries', 'fetch'];
const OPTIONS = ['timeout', 'maxRetries', 'signal', 'idempotencyKey', 'ifMatch'];

/** Refuses what is not known: a misspelled option would be taken for absent. */
function only(names, given, what) {
  if (given === null || typeof given !== 'object') throw new TypeError(`${what} are an object`);
  const unknown = Object.keys(given).find(name => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`${what} have no ${unknown}: they are ${names.join(', ')}`);
  for (const name of ['timeout', 'maxRetries']) {
    const value = given[name];
    if (value !== undefined && !(typeof value === 'number' && value >= 0)) {
      throw new TypeError(`${name} is a number, 0 or more`);
    }
  }
  return given;
}

/** The settings with which a call is made: the environment is read as late as this. */
function configured(settings) {
  const apiKey = String(settings.apiKey ?? process.env.DIRTYLEMON_API_KEY ?? '').trim();
  if (apiKey === '') {
    throw new ConfigurationError(
      'There is no API key: set DIRTYLEMON_API_KEY in the environment, or make a client with new Dirtylemon({ apiKey }).',
    );
  }
  // `fetch` would tell the header that it refuses.
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new ConfigurationError('The API key holds what is no part of one: take it as the service printed it.');
  }
  return { apiKey, baseUrl: origin(settings), fetch: settings.fetch ?? globalThis.fetch };
}

function origin(settings) {
  const given = settings.baseUrl ?? process.env.DIRTYLEMON_BASE_URL ?? DEFAULTS.baseUrl;
  const url = URL.canParse(given) ? new URL(given) : {};
  if (!['http:', 'https:'].includes(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new ConfigurationError(
      'The base URL (DIRTYLEMON_BASE_URL, or baseUrl) is where the service is, such as https://customers.example.com.',
    );
  }
  return url.href.replace(/\/$/, '');
}

/**
 * Sends a request until it is answered for good. Gives the answer: `{ body, lastResponse }`, or of `{ stream: true }` the
 * `response` whose body is yet to be read, and how to `close` it.
 */
async function request(settings, { method, path, query, body, headers = {}, stream = false }, options = {}) {
  const { apiKey, baseUrl, fetch } = configured(settings);
  const limit = options.timeout ?? settings.timeout ?? DEFAULTS.timeout;
  const retries = options.maxRetries ?? settings.maxRetries ?? DEFAULTS.maxRetries;
  const deadline = performance.now() + limit;
  const requestId = randomUUID();
  const url = baseUrl + path + queryString(query);
  const init = {
    method,
    // Made here, so that a value that no header can have is the caller's error, and not the network's.
    headers: new Headers({
      Authorization: `Bearer ${apiKey}`,
      'User-Agent': `dirtylemon-node/${version}`,
      'X-Request-Id': requestId,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      // The same in every try, so that what was done is not done again.
      ...(method === 'POST' ? { 'Idempotency-Key': options.idempotencyKey ?? randomUUID() } : {}),
      ...(options.ifMatch === undefined ? {} : { 'If-Match': options.ifMatch }),
      ...headers,
    }),
    body: body === undefined ? undefined : JSON.stringify(body),
    // To where a redirection leads, the key does not go.
    redirect: 'manual',
  };
  const attempt = { fetch, url, init, requestId, apiKey, deadline, limit, signal: options.signal, stream };
  for (let tries = 0; ; tries++) {
    const { answer, error } = await tried(attempt);
    if (answer) return answer;
    // What was removed by a try whose answer was lost is not there for the next: it is gone, as was asked.
    if (tries > 0 && method === 'DELETE' && error.statusCode === 404 && error.code !== 'route_not_found') {
      return { body: {}, lastResponse: error.lastResponse };
    }
    const pause = pauseBefore(tries, error);
    if (tries >= retries || !mayHelp(error) || performance.now() + pause >= deadline) throw error;
    await sleep(pause, options.signal);
  }
}

/** One try: its answer, or the error that it ended with. What the caller's signal says is thrown. */
async function tried({ fetch, url, init, requestId, apiKey, deadline, limit, signal, stream }) {
  signal?.throwIfAborted();
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), Math.min(deadline - performance.now(), LONGEST_TIMER));
  const stop = () => ending.abort(signal.reason);
  signal?.addEventListener('abort', stop);
  let open = false;
  const release = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  };
  try {
    const response = await fetch(url, { ...init, signal: ending.signal });
    if (stream && response.ok) {
      open = true;
      clearTimeout(timer);
      const close = reason => (release(), ending.abort(reason));
      return { answer: { response, close, lastResponse: told(response, requestId) } };
    }
    return understood(response, await response.text(), { requestId, apiKey });
  } catch (error) {
    signal?.throwIfAborted();
    if (ending.signal.aborted) {
      const what = `${init.method} ${new URL(url).pathname}`;
      return { error: new TimeoutError(`The service did not answer within ${limit} ms: ${what}`, { requestId }) };
    }
    // The reasons of `fetch` are in the causes of its errors.
    const reason = error.cause?.message || error.cause?.code || error.message;
    const where = new URL(url).origin;
    return { error: new ConnectionError(`The service at ${where} was not reached: ${reason}`, { requestId, cause: error }) };
  } finally {
    if (!open) release();
  }
}

/** The answer that a response is, or the error. */
function understood(response, text, { requestId, apiKey }) {
  const lastResponse = told(response, requestId);
  if (response.ok) {
    const { ok, value } = parsed(text || '{}');
    if (ok) return { answer: { body: value, lastResponse } };
  }
  // Whatever stands between here and the service may answer with what it was sent.
  const { value } = parsed(text.replaceAll(apiKey, '[API key]'));
  const problem = typeof value?.code === 'string' ? value : undefined;
  const retryAfter = secondsOf(response.headers.get('retry-after'));
  return { error: errorOf({ statusCode: response.status, problem, retryAfter, lastResponse }) };
}

function parsed(text) {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

function told(response, requestId) {
  const headers = Object.freeze(Object.fromEntries(response.headers));
  return Object.freeze({ requestId: headers['x-request-id'] ?? requestId, statusCode: response.status, headers });
}

/** `Retry-After` in seconds: it is a number of them, or a date. */
function secondsOf(header) {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/** Whether the same request may be answered otherwise a little later. */
function mayHelp(error) {
  if (error instanceof ConnectionError) return true;
  const { statusCode, code, retryAfter } = error;
  // The service says how long to wait where waiting helps: a token whose tries are used up stays dead.
  if (statusCode === 429) return code === undefined || retryAfter !== undefined;
  return statusCode >= 500 || (statusCode === 409 && code === 'idempotency_in_progress');
}

/** How long to wait before the next try, in milliseconds: many that failed at once do not come back at once. */
function pauseBefore(tries, { retryAfter = 0 }) {
  const pause = Math.min(FIRST_PAUSE * 2 ** tries, LONGEST_PAUSE);
  return retryAfter * 1000 + pause * (0.5 + Math.random() / 2);
}

/** Waits, for not longer than the caller's signal lets it. */
function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve(undefined);
    }, milliseconds);
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
  });
}

function queryString(query = {}) {
  const text = value => (value instanceof Date ? value.toISOString() : String(value));
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const parameters = new URLSearchParams(given.map(([name, value]) => [name, text(value)]));
  return given.length === 0 ? '' : `?${parameters}`;
}

module.exports = { request, sleep, only, SETTINGS, OPTIONS };
