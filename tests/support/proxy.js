// A proxy that plays a bad network: it says for each request what becomes of it.

import { once } from 'node:events';
import { Agent, createServer, request as send } from 'node:http';

import { starting } from './process.js';

/**
 * Starts a proxy before `origin`. `fault` is asked about each request (`{ method, url, headers, body }`) what to do:
 *
 * - nothing: it is passed on, and so is the answer, piece by piece;
 * - `'lose request'`: the connection ends, and the service hears nothing;
 * - `'lose answer'`: the service does it, and then the connection ends;
 * - `'double'`: the service gets it twice at once, and the first answer is passed on;
 * - `{ delay }`: it is passed on after so many milliseconds.
 */
export const startProxy = (origin, fault = () => undefined) => starting(launchProxy(origin, fault));

async function launchProxy(origin, fault) {
  const proxy = new Proxy(origin, fault);
  await proxy.start();
  return proxy;
}

class Proxy {
  #server;
  // A connection that the service closes in the moment in which it is used again would be a fault that nobody asked for.
  #agent = new Agent({ keepAlive: false });
  /** Requests that were asked about. */
  requests = [];
  /** How many answers were begun to be passed on, and how many of them are not at their end. */
  answered = 0;
  open = 0;
  /** How many pieces of answers were passed on. */
  pieces = 0;

  constructor(to, fault) {
    this.to = to;
    this.fault = fault;
    this.#server = createServer((request, response) => this.#pass(request, response).catch(() => request.socket.destroy()));
  }

  async start() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.origin = `http://127.0.0.1:${this.#server.address().port}`;
  }

  async #pass(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const asked = { method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks) };
    this.requests.push(asked);
    const fault = this.fault(asked);
    if (fault === 'lose request') return request.socket.destroy();
    if (fault?.delay) await new Promise(resolve => setTimeout(resolve, fault.delay));
    const answers = [this.#ask(asked), ...(fault === 'double' ? [this.#ask(asked)] : [])];
    // Both are to be at their end before the caller goes on.
    const [answer] = await (fault === 'double' ? Promise.all(answers) : [await answers[0]]);
    if (fault === 'lose answer') {
      answer.resume();
      await once(answer, 'end');
      return request.socket.destroy();
    }
    response.writeHead(answer.statusCode, answer.headers);
    this.answered++;
    this.open++;
    response.on('close', () => (this.open--, answer.destroy()));
    answer.on('error', () => request.socket.destroy()).on('close', () => answer.complete || request.socket.destroy());
    answer.on('data', () => this.pieces++).pipe(response);
  }

  async #ask({ method, url, headers, body }) {
    const { host, ...rest } = headers;
    const sent = send(new URL(url, this.to), { method, headers: rest, agent: this.#agent });
    sent.end(body);
    const [answer] = await once(sent, 'response');
    return answer;
  }

  /** Ends all connections, whatever is under way on them. */
  cut() {
    this.#server.closeAllConnections();
  }

  stop() {
    this.cut();
    this.#server.close();
  }
}
