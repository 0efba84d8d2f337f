// A Stripe of the tests' own (localstripe), with its API, its Stripe.js and its card element.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { first, Program, remove, starting, temporaryDirectory } from '../../support/process.js';

/** What the cards do when they are set up. */
export const CARDS = {
  good: '4242424242424242',
  otherGood: '5555555555554444',
  declined: '4000000000000002',
  authenticated: '4000002500003155',
};

export const startLocalstripe = () => starting(launchLocalstripe());

async function launchLocalstripe() {
  const python = process.env.TEST_LOCALSTRIPE_PYTHON;
  if (!python) throw new Error('TEST_LOCALSTRIPE_PYTHON says no Python that has localstripe: run through scripts/with-tools');
  const directory = temporaryDirectory('localstripe');
  const logFile = path.join(directory, 'log');
  const program = new Program(python, [fileURLToPath(new URL('serve-localstripe.py', import.meta.url)), logFile], {});
  const origin = await program.until(({ stdout }) => first(stdout, /listening on (http:\S+)\n/));
  return new Localstripe(program, directory, origin);
}

class Localstripe {
  #program;
  #directory;
  /** Any key that begins like this is taken. */
  secretKey = 'sk_test_browser';
  publishableKey = 'pk_test_browser';

  constructor(program, directory, origin) {
    this.#program = program;
    this.#directory = directory;
    this.origin = origin;
    this.script = `${origin}/js.stripe.com/v3/`;
  }

  /** The requests that it was sent: method, path and status, a line each. */
  get log() {
    return readFileSync(path.join(this.#directory, 'log'), 'utf8');
  }

  /** Asks its API with the secret key; throws when it refuses. Parameters as Stripe spells them: `{'card[cvc]': '123'}`. */
  async api(method, path, parameters) {
    const answer = await fetch(this.origin + path, {
      method,
      headers: { Authorization: `Bearer ${this.secretKey}` },
      body: parameters && new URLSearchParams(parameters),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} is answered ${answer.status}: ${text}`);
    return JSON.parse(text);
  }

  async stop() {
    await this.#program.stop();
    remove(this.#directory);
  }
}

/** Fills in the card element that is mounted in `container`, a selector or locator. */
export async function fillCard(page, container, number = CARDS.good) {
  const element = typeof container === 'string' ? page.locator(container) : container;
  // The exact placeholders of its inputs. The number is given whole: typed, it moves the focus on by itself.
  const fields = { number, exp_month: '12', exp_year: '34', cvc: '123', postal_code: '12345' };
  for (const [placeholder, value] of Object.entries(fields)) {
    await element.getByPlaceholder(placeholder, { exact: true }).fill(value);
  }
}

/** Answers the box that asks for 3-D Secure. */
export function authenticate(page, succeeds = true) {
  const name = succeeds ? 'Complete authentication' : 'Fail authentication';
  return page.getByRole('button', { name }).click();
}
