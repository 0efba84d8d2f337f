// The live stream of events: Server-Sent Events, and coming back to where one was.
'use strict';

const { listen, sleep } = require('./request.js');
const { ApiError, ConnectionError, TimeoutError } = require('./errors.js');

/** The service says something every 15 seconds. After this long without a word, in milliseconds, the connection is dead. */
const SILENCE = 45_000;

/** How long to wait before coming back, in milliseconds, unless the service asks for more. It doubles while it fails. */
const PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

/** The most characters that a line may have: far beyond any event. */
const LONGEST_LINE = 2 ** 20;

/**
 * Events until the caller leaves the loop, or his signal says so. The first connection fails as any call does; what breaks
 * later is made anew, from the last event on. `open` sends the request, with more headers; `firstEvents` reads the oldest.
 */
function stream({ open, firstEvents, after, signal }) {
  const ending = new AbortController();
  let left = false;
  const release = listen(signal, () => ending.abort(signal.reason));
  if (signal?.aborted) ending.abort(signal.reason);
  const iterator = events({ open, firstEvents, after, signal: ending.signal });
  // Whoever leaves while the next event is waited for ends that wait: a generator alone would let it go on.
  const leave = () => {
    left = true;
    release();
    ending.abort();
  };
  return {
    async next() {
      try {
        const { value, done } = await iterator.next();
        return { value, done };
      } catch (error) {
        release();
        if (left) return { value: undefined, done: true };
        throw error;
      }
    },
    async return(value) {
      leave();
      await iterator.return().catch(() => {});
      return { value, done: true };
    },
    async throw(error) {
      leave();
      await iterator.return().catch(() => {});
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* events({ open, firstEvents, after, signal }) {
  let last = after;
  let connected = false;
  /** The service says where a stream begins, unless there was no event yet. */
  let fromTheFirst = false;
  let pause = PAUSE;
  let failures = 0;
  for (;;) {
    let connection;
    try {
      if (fromTheFirst && last === undefined) {
        for (const event of await firstEvents(signal)) {
          last = event.id;
          yield event;
        }
      }
      connection = await open(last === after ? {} : { 'Last-Event-ID': last }, signal);
      connected = true;
      for await (const { id, data, retry } of messages(connection)) {
        failures = 0;
        if (retry !== undefined) pause = Math.max(retry, PAUSE);
        if (id !== undefined) last = id;
        fromTheFirst = last === undefined;
        if (data !== undefined) yield JSON.parse(data);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!connected || !isPassing(error)) throw error;
    } finally {
      connection?.close();
    }
    // The service was restarted, or a proxy thinks that it took long enough: many clients do not come back at once.
    await sleep(Math.min(pause * 2 ** failures++, LONGEST_PAUSE) * (0.5 + Math.random() / 2), signal);
  }
}

/** Whether coming back later may help: it does not when the key is revoked, or the last event removed. */
function isPassing(error) {
  if (error instanceof ApiError) return error.statusCode >= 500 || error.statusCode === 429;
  return error instanceof ConnectionError || error instanceof TimeoutError;
}

/** The messages of a connection until it ends: `id`, `data` and `retry`, each where it was said. */
async function* messages({ response, close }) {
  let message = {};
  for await (const line of lines(response.body, close)) {
    if (line === '') {
      if (Object.keys(message).length > 0) yield message;
      message = {};
      continue;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === 'data') message.data = message.data === undefined ? value : `${message.data}\n${value}`;
    if (field === 'id') message.id = value;
    if (field === 'retry' && /^\d+$/.test(value)) message.retry = Number(value);
  }
}

/** The whole lines of a body. One that the end cut off is none. */
async function* lines(body, close) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  /** The pieces of a line whose end has not come. */
  let begun = [];
  let length = 0;
  for (;;) {
    const timer = setTimeout(() => close(new ConnectionError('The stream of events fell silent.')), SILENCE);
    let read;
    try {
      read = await reader.read();
    } catch (error) {
      throw error instanceof ConnectionError ? error : new ConnectionError(`The stream of events broke: ${error?.message}`);
    } finally {
      clearTimeout(timer);
    }
    if (read.done) return;
    const parts = read.value.split('\n');
    for (const [index, part] of parts.entries()) {
      begun.push(part);
      length += part.length;
      if (length > LONGEST_LINE) throw new ConnectionError('The stream of events has a line without an end.');
      if (index === parts.length - 1) break;
      yield begun.join('').replace(/\r$/, '');
      begun = [];
      length = 0;
    }
  }
}

module.exports = { stream };
