// The live stream of events: Server-Sent Events, and coming back to where one was.
'use strict';

const { sleep } = require('./request.js');
const { ApiError, ConnectionError, TimeoutError } = require('./errors.js');

/** The service says something every 15 seconds. After this long without a word, in milliseconds, the connection is dead. */
const SILENCE = 45_000;

/** How long to wait before coming back, in milliseconds, unless the service says otherwise. It doubles while it fails. */
const PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

/** The most that a single line may have: far beyond any event. */
const LONGEST_LINE = 16 * 1024 * 1024;

/**
 * Events until the caller leaves the loop, or his signal says so. The first connection fails as any call does; what breaks
 * later is made anew, from the last event on. `open` sends the request, with more headers; `firstEvents` reads the oldest.
 */
async function* stream(open, firstEvents, { signal }) {
  let last;
  let connected = false;
  let pause = PAUSE;
  let failures = 0;
  for (;;) {
    let connection;
    try {
      if (connected && last === undefined) {
        // The service says where a stream begins, unless there was no event yet.
        for (const event of await firstEvents()) {
          last = event.id;
          yield event;
        }
      }
      connection = await open(last === undefined ? {} : { 'Last-Event-ID': last });
      connected = true;
      for await (const { id, data, retry } of messages(connection, signal)) {
        failures = 0;
        if (retry !== undefined) pause = retry;
        if (id !== undefined) last = id;
        if (data !== undefined) yield JSON.parse(data);
      }
    } catch (error) {
      signal?.throwIfAborted();
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
async function* messages({ response, close }, signal) {
  let message = {};
  for await (const line of lines(response.body, close, signal)) {
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
async function* lines(body, close, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const timer = setTimeout(() => close(new ConnectionError('The stream of events fell silent.')), SILENCE);
    let read;
    try {
      read = await reader.read();
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof ConnectionError ? error : new ConnectionError('The stream of events broke.', { cause: error });
    } finally {
      clearTimeout(timer);
    }
    if (read.done) return;
    const parts = (text + read.value).split('\n');
    text = parts.pop();
    if (text.length > LONGEST_LINE) throw new ConnectionError('The stream of events has a line without an end.');
    for (const line of parts) yield line.replace(/\r$/, '');
  }
}

module.exports = { stream };
