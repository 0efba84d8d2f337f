// What a document has its reader type, typed: the commands of its console blocks and the files that it has him write.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { blocks } from './document.js';
import { first, Program, temporaryDirectory } from './process.js';
import { cleanEnvironment, repository } from './service.js';

/** The steps of a document: `{ command, output }` as the console shows them, `{ file, text }`, and `{ text }` of what else is shown. */
export function steps(name) {
  return blocks(name).flatMap(({ language, text }) => {
    if (language === 'js') return [{ file: first(text, /^\/\/ (\S+)\n/), text }];
    if (language === 'text') return [{ text }];
    if (language !== 'console') return [];
    const commands = text.split(/^\$ /m).slice(1);
    return commands.map(whole => {
      const [, command, output] = /^((?:.*\\\n)*.*)\n?([^]*)$/.exec(whole);
      return { command: command.replace(/\s+#[^'"]*$/, ''), output: output.trim() };
    });
  });
}

/** A shell in which one command is typed after the other, in the root of the tree. It has a home of its own. */
export class Console {
  #shell;
  #typed = 0;
  #answer = {};
  home = temporaryDirectory('home');

  constructor(env = {}) {
    mkdirSync(path.join(this.home, 'tmp'));
    this.env = { ...cleanEnvironment(), HOME: this.home, ...env };
    this.#shell = new Program('bash', ['--noprofile', '--norc'], { cwd: repository, env: this.env });
  }

  /** Types a command, and waits until it has ended. What it printed; throws when it failed. */
  async type(command) {
    const end = `end-of-${++this.#typed}`;
    const before = this.#shell.stdout.length;
    this.#shell.write(`${command}\necho "${end} $?"\n`);
    const seen = await this.#shell.until(({ stdout }) => new RegExp(`${end} (\\d+)\\n`).exec(stdout));
    const printed = seen.input.slice(before, seen.index).trim();
    assert.equal(seen[1], '0', `${command}\n${printed}\n${this.#shell.stderr}`);
    return printed;
  }

  /**
   * Follows a command of a document: the service is at `host`, the key is this one, and ids and tokens are those of the last
   * answer. What is printed must look like what the document shows.
   */
  async follow({ command, output }, { host, key }) {
    const here = text => text.replaceAll('127.0.0.1:8080', host);
    const mine = here(command)
      .replace(/ckey_[\w…-]+/, key)
      .replace(/\bID=[\da-f-]+ TOKEN=\d+/, `ID=${this.#answer.id} TOKEN=${this.#answer.confirmation_token}`);
    const printed = await this.type(mine.replace(/^curl /, 'curl --silent '));
    assertLooksLike(printed, here(output), command);
    if (printed.startsWith('{')) this.#answer = JSON.parse(printed);
    return printed;
  }

  write(file, text) {
    writeFileSync(path.join(this.home, 'bot', file), text);
  }

  stop() {
    return this.#shell.stop();
  }
}

/** Holds what was printed against what the document shows: the same words, whatever ids, times and codes are now. */
export function assertLooksLike(printed, shown, command) {
  if (shown === '') return;
  const shape = text => {
    try {
      return JSON.stringify(JSON.parse(text), (_, value) => (typeof value === 'string' ? blurred(value) : value), 1);
    } catch {
      return blurred(text);
    }
  };
  assert.equal(shape(printed), shape(shown), command);
}

/** A text without what is another one in every run: ids, keys, times, codes, ports. */
const blurred = text =>
  text
    .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, 'UUID')
    .replace(/\b(evt_|we_|dlv_)[0-9a-f]{32}\b/g, '$1ID')
    .replace(/ckey_[\w-]+/g, 'ckey_KEY')
    .replace(/\/l\/\w+/g, '/l/CODE')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/127\.0\.0\.1:\d+/g, 'HOST')
    .replace(/\b\d{6}\b/g, 'TOKEN');
