// Programs that tests start, and their directories: output is collected, and nothing outlives the test file.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** How long a program may take to say that it is ready, and to end, in milliseconds: a busy machine is slow. */
const START = 60_000;
const END = 10_000;

const running = new Set();
const directories = new Set();
process.on('exit', () => {
  running.forEach(child => child.kill('SIGKILL'));
  directories.forEach(remove);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => process.exit(1));
}

const started = [];

/** Remembers what is being started, for `stopAll`. */
export function starting(promise) {
  started.push(promise);
  return promise;
}

/** Stops all that was started, for `after`: also when something else did not start, or what did is not yet there. */
export async function stopAll() {
  const settled = await Promise.allSettled(started.splice(0));
  await Promise.all(settled.map(({ value }) => value?.stop()));
}

/** A directory that goes with the test file, when it has not been removed before. */
export function temporaryDirectory(name) {
  const directory = mkdtempSync(path.join(tmpdir(), `customers-${name}-`));
  directories.add(directory);
  return directory;
}

export function remove(directory) {
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  directories.delete(directory);
}

export class Program {
  #child;
  #ended;
  #heard = new Set();
  stdout = '';
  stderr = '';

  constructor(command, args, options) {
    this.command = command;
    this.#child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(this.#child);
    this.#ended = new Promise(resolve => {
      this.#child.once('error', error => resolve(`cannot be started: ${error.message}`));
      this.#child.once('close', (code, signal) => resolve(`ended (${signal ?? code})`));
    });
    this.#ended.then(() => running.delete(this.#child));
    for (const stream of ['stdout', 'stderr']) {
      this.#child[stream].setEncoding('utf8').on('data', text => {
        this[stream] += text;
        this.#heard.forEach(look => look());
      });
    }
  }

  /** Waits until `find`, which looks at what was written, answers something, and hands that on. */
  async until(find) {
    let look;
    let timer;
    const found = new Promise(resolve => {
      look = () => {
        const answer = find(this);
        if (answer) resolve({ answer });
      };
      this.#heard.add(look);
      look();
    });
    const late = new Promise(resolve => {
      timer = setTimeout(resolve, START, { why: `is not ready after ${START / 1000} s` });
    });
    const { answer, why } = await Promise.race([found, late, this.#ended.then(why => ({ why }))]);
    this.#heard.delete(look);
    clearTimeout(timer);
    if (answer) return answer;
    this.#child.kill('SIGKILL');
    throw new Error(`${this.command} ${why}:\n${this.stdout}\n${this.stderr}`);
  }

  /** Ends its standard input, which some programs take for their end, and waits until it has ended. */
  finish() {
    return this.#endBy(() => this.#child.stdin.end());
  }

  /** Writes to its standard input. */
  write(text) {
    this.#child.stdin.write(text);
  }

  /** Ends it, and waits until it has. */
  stop() {
    return this.#endBy(() => this.#child.kill('SIGTERM'));
  }

  /** Asks it to end, and waits until it has; it does not get long. */
  async #endBy(ask) {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END);
    ask();
    await this.#ended;
    clearTimeout(timer);
  }
}

/** The first group of a pattern in a text. */
export const first = (text, pattern) => pattern.exec(text)?.[1];
