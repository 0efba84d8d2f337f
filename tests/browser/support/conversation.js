// The chat bot of examples/conversation with a service of its own, and talking to it.

import { first, Program, starting } from '../../support/process.js';
import { cleanEnvironment, repository } from '../../support/service.js';

/** Starts both as `make demo` does, but for building, on free ports. The settings are the service's. */
export const startDemo = (settings = {}) => starting(launchDemo(settings));

async function launchDemo(settings) {
  const env = { ...cleanEnvironment(), CARGO: 'true', CUSTOMERS_LISTEN: '127.0.0.1:0', PORT: '0', ...settings };
  const program = new Program('make', ['--no-print-directory', 'demo'], { cwd: repository, env });
  const origin = await program.until(({ stdout }) => first(stdout, /Talk to the bot: (http:\S+)\/\n/));
  return new Demo(program, origin);
}

class Demo {
  #program;

  constructor(program, origin) {
    this.#program = program;
    this.origin = origin;
  }

  /** The codes that were sent to a number until there are so many. */
  codes(number, count) {
    const sent = new RegExp(`to \\${number}: (\\d{6}) is your code`, 'g');
    return this.#program.until(({ stdout }) => {
      const codes = Array.from(stdout.matchAll(sent), ([, code]) => code);
      return codes.length >= count && codes;
    });
  }

  /** All that it has printed. */
  get printed() {
    return this.#program.stdout + this.#program.stderr;
  }

  stop() {
    return this.#program.stop();
  }
}

/** Says something. */
export async function say(page, text) {
  await page.getByLabel('Your message').fill(text);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

/** Waits until this is what was said last, and gives it. */
export async function heard(page, text) {
  const messages = page.locator('#messages li');
  await messages.last().filter({ hasText: text }).waitFor();
  return messages.filter({ hasText: text }).last();
}

/** Six digits that are not the code. */
export const wrong = code => String((Number(code) + 1) % 1_000_000).padStart(6, '0');
