// What the tests of the client share.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { after } from 'node:test';

import Dirtylemon from '../lib/index.js';
import { stopAll } from '../../../tests/support/process.js';

export { startProxy } from '../../../tests/support/proxy.js';
export { DATABASES, startService } from '../../../tests/support/service.js';

after(stopAll);

/** A client of a service, or of what stands before it. */
export const clientOf = (service, settings = {}) =>
  new Dirtylemon({ apiKey: service.key, baseUrl: service.origin, ...settings });

/** A client that reaches a service by a proxy. */
export const clientThrough = (proxy, service, settings) => clientOf({ key: service.key, origin: proxy.origin }, settings);

let numbers = 0;

/** A new customer's parameters, with a number that no other of this file has. */
export const somebody = (attributes = {}) => ({
  unconfirmed_phone_number: `+1418${5810000 + numbers++}`,
  country_code: 'CA',
  ...attributes,
});

/** What a promise fails with; fails when it does not. */
export const failure = async promise =>
  promise.then(
    value => Promise.reject(new Error(`did not fail, but gave ${JSON.stringify(value)}`)),
    error => error,
  );

/** A server that answers each request with the next of these: `{ status, headers, body }`; the last one for ever. */
export async function startScript(...answers) {
  const requests = [];
  const server = createServer((request, response) => {
    const { status = 200, headers = {}, body = {} } = answers[Math.min(requests.length, answers.length - 1)];
    requests.push({ method: request.method, url: request.url, headers: request.headers, at: performance.now() });
    if (status === 'cut') return request.socket.destroy();
    if (status === 'silence') return undefined;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { requests, origin: `http://127.0.0.1:${server.address().port}`, key: 'ckey_secret' };
}

/** The problem document of a code. */
export const problem = (code, status, more = {}) => ({ type: `/errors/${code}`, title: code, status, detail: `${code}.`, code, ...more });

/** How long a condition is waited for, in milliseconds: a busy machine is slow. */
const PATIENCE = 60_000;

/** Waits until something is so that nobody tells of. */
export async function until(isSo) {
  const deadline = performance.now() + PATIENCE;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${PATIENCE / 1000} s: ${isSo}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
