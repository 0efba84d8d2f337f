// One call: a request that is sent, and sent again where that may help, until its time is over.
'use strict';

const { randomUUID } = require('node:crypto');
const { setMaxListeners } = require('node:events');
const { version } = require('../package.json');
const { ConfigurationError, ConnectionError, TimeoutError, errorOf, notOurs } = require('./errors.js');

/** The pause before the second try, in milliseconds. It doubles with each, up to the longest. */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 5_000;

/** A try gets half of the time that is left, so that there is some for another, but not less than this, in milliseconds. */
const LEAST_TRY = 5_000;

/** The longest that a timer can be set to, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

const DEFAULTS = { baseUrl: 'http://127.0.0.1:8080', timeout: 30_000, maxRetries: 3 };

/** What a client can be told, and what a call. */
const SETTINGS = {
  apiKey: isText,
  baseUrl: isText,
  timeout: isPositive,
  maxRetries: isCount,
  fetch: value => typeof value === 'function',
};
const OPTIONS = {
  timeout: isPositive,
  maxRetries: isCount,
  signal: value => typeof value?.addEventListener === 'function',
  idempotencyKey: isSomeText,
  ifMatch: isSomeText,
};

function isText(value) {
  return typeof value === 'string';
}
function isSomeText(value) {
  return typeof value === 'string' && value !== '';
}
function isPositive(value) {
  return typeof value === 'number' && value > 0;
}
function isCount(value) {
  return typeof value === 'number' && value >= 0;
}

/** Refuses what is not known and what makes no sense: a misspelled option would be taken for absent. */
function only(known, given, what) {
  if (given === null || typeof given !== 'object') throw new TypeError(`${what} are an object`);
  for (const [name, value] of Object.entries(given)) {
    const isRight = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!isRight) throw new TypeError(`${what} have no ${name}: they are ${Object.keys(known).join(', ')}`);
    // A condition without a tag is not taken for none: the change would be made whatever there is now.
    if (!isRight(value) && !(value === undefined && name !== 'ifMatch')) throw new TypeError(`${name} of ${what} makes no sense`);
  }
  return { ...given };
}

/** The settings with which a call is made: the environment is read as late as this. */
function configured(settings) {
  const apiKey = (settings.apiKey ?? process.env.DIRTYLEMON_API_KEY ?? '').trim();
  if (apiKey === '') {
    throw new ConfigurationError(
      'There is no API key: set DIRTYLEMON_API_KEY in the environment, or make a client with new Dirtylemon({ apiKey }).',
    );
  }
  // `fetch` would tell the header that it refuses.
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new ConfigurationError('The API key holds what is no part of one: take it as the service printed it.');
  }
  return { apiKey, baseUrl: base(settings), fetch: settings.fetch ?? globalThis.fetch };
}

function base(settings) {
  const given = settings.baseUrl || process.env.DIRTYLEMON_BASE_URL || DEFAULTS.baseUrl;
  const url = URL.canParse(given) ? new URL(given) : {};
  if (!['http:', 'https:'].includes(url.protocol) || url.username || url.password || /[?#]/.test(given)) {
    throw new ConfigurationError(
      'The base URL (DIRTYLEMON_BASE_URL, or baseUrl) is where the service is, such as https://customers.example.com.',
    );
  }
  return url.href.replace(/\/+$/, '');
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
  const call = { fetch, url: baseUrl + path + queryString(query), init, requestId, apiKey, limit, signal: options.signal, stream };
  let mayBeDone = false;
  for (let tries = 0; ; tries++) {
    const left = deadline - performance.now();
    const { answer, error } = await tried(call, tries < retries ? Math.min(left, Math.max(left / 2, LEAST_TRY)) : left);
    if (answer) return answer;
    // What was removed by a try whose answer was lost is not there for the next: it is gone, as was asked.
    if (mayBeDone && method === 'DELETE' && isGone(error)) return { body: {}, lastResponse: error.lastResponse };
    mayBeDone ||= isUnknown(error);
    const pause = pauseBefore(tries, error);
    if (tries >= retries || !mayHelp(error) || performance.now() + pause >= deadline) throw error;
    await sleep(pause, options.signal);
  }
}

/** One try: its answer, or the error that it ended with. What the caller's signal says is thrown. */
async function tried(call, time) {
  const { fetch, url, init, signal, stream } = call;
  signal?.throwIfAborted();
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), Math.min(time, LONGEST_TIMER));
  const release = listen(signal, () => ending.abort(signal.reason));
  let open = false;
  try {
    const response = await fetch(url, { ...init, signal: ending.signal });
    if (stream && response.ok) {
      if (response.status !== 200) return { error: notOurs(told(response, call)) };
      open = true;
      const close = reason => (release(), ending.abort(reason));
      return { answer: { response, close, lastResponse: told(response, call) } };
    }
    return understood(response, await response.text(), call);
  } catch (error) {
    signal?.throwIfAborted();
    return { error: ending.signal.aborted ? late(call) : unreached(call, error) };
  } finally {
    clearTimeout(timer);
    if (!open) release();
  }
}

/** Calls back when a signal is given, until the answer is called. Many calls may share one signal. */
function listen(signal, stop) {
  if (!signal) return () => {};
  if (signal instanceof EventTarget) setMaxListeners(0, signal);
  signal.addEventListener('abort', stop);
  return () => signal.removeEventListener('abort', stop);
}

function late({ init, url, requestId, limit }) {
  const what = `${init.method} ${new URL(url).pathname}`;
  return new TimeoutError(`The service did not answer within ${limit} ms: ${what}`, { requestId });
}

/** Of what `fetch` threw only words are kept: it may be anybody's, and hold what was sent. */
function unreached({ url, requestId, apiKey }, thrown) {
  const words = value => String(value ?? '').replaceAll(apiKey, REDACTED);
  const cause = Object.assign(new Error(words(thrown?.message ?? thrown)), { name: words(thrown?.name), code: words(thrown?.code ?? thrown?.cause?.code) });
  const reason = words(thrown?.cause?.message || thrown?.cause?.code || thrown?.message || thrown);
  return new ConnectionError(`The service at ${new URL(url).origin} was not reached: ${reason}`, { requestId, cause });
}

const REDACTED = '[API key]';

/** The answer that a response is, or the error. */
function understood(response, text, call) {
  const lastResponse = told(response, call);
  if (response.ok) {
    const { ok, value } = parsed(text || '{}');
    if (ok && value !== null && typeof value === 'object') return { answer: { body: value, lastResponse } };
    return { error: notOurs(lastResponse) };
  }
  // Whatever stands between here and the service may answer with what it was sent.
  const { value } = parsed(text, (_, member) => (typeof member === 'string' ? member.replaceAll(call.apiKey, REDACTED) : member));
  const problem = typeof value?.code === 'string' ? value : undefined;
  const retryAfter = secondsOf(response.headers.get('retry-after'));
  return { error: errorOf({ statusCode: response.status, problem, hasBody: text !== '', retryAfter, lastResponse }) };
}

function parsed(text, reviver) {
  try {
    return { ok: true, value: JSON.parse(text, reviver) };
  } catch {
    return { ok: false };
  }
}

function told(response, { requestId, apiKey }) {
  const said = Array.from(response.headers, ([name, value]) => [name, value.replaceAll(apiKey, REDACTED)]);
  const headers = Object.freeze(Object.fromEntries(said));
  return Object.freeze({ requestId: headers['x-request-id'] ?? requestId, statusCode: response.status, headers });
}

/** `Retry-After` in seconds: it is a number of them, or a date. */
function secondsOf(header) {
  if (header === null) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(header)) return Number(header);
  const date = /[A-Za-z]/.test(header) ? Date.parse(header) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}

/** Whether the request may have been done all the same. */
function isUnknown(error) {
  return error instanceof ConnectionError || error instanceof TimeoutError || error.statusCode >= 500;
}

/** Whether the service itself says that what is to be removed is not there. */
function isGone({ statusCode, code }) {
  return statusCode === 404 && code !== undefined && code !== 'route_not_found';
}

/** Whether the same request may be answered otherwise a little later. */
function mayHelp(error) {
  if (isUnknown(error)) return true;
  const { statusCode, code, retryAfter } = error;
  // The service says how long to wait where waiting helps: a token whose tries are used up stays dead.
  if (statusCode === 429) return code === undefined || retryAfter !== undefined;
  return statusCode === 409 && code === 'idempotency_in_progress';
}

/** How long to wait before the next try, in milliseconds: many that failed at once do not come back at once. */
function pauseBefore(tries, { retryAfter = 0 }) {
  const pause = Math.min(FIRST_PAUSE * 2 ** tries, LONGEST_PAUSE);
  return retryAfter * 1000 + pause * (0.5 + Math.random() / 2);
}

/** Waits, for not longer than the caller's signal lets it. */
function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(() => (release(), resolve()), milliseconds);
    const release = listen(signal, () => (release(), clearTimeout(timer), reject(signal.reason)));
    return undefined;
  });
}

function queryString(query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const parameters = given.map(([name, value]) => {
    // Left out, it would find everybody.
    if (value === null) throw new TypeError(`${name} is null: leave it out where it does not matter`);
    return [name, value instanceof Date ? value.toISOString() : String(value)];
  });
  return given.length === 0 ? '' : `?${new URLSearchParams(parameters)}`;
}

module.exports = { request, sleep, listen, only, SETTINGS, OPTIONS };
