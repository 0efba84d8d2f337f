// Codes of the bot's own, for customers whose number was proved before: they prove it once more.

import { randomInt } from 'node:crypto';

const CODE_LIVES = 5 * 60_000;
const TRIES = 5;
/** How many codes a number gets in an hour, whoever asks: it may be a stranger's. */
const CODES_AN_HOUR = 5;
const HOUR = 60 * 60_000;
const MOST_NUMBERS = 10_000;

export class Logins {
  #all = new Map();

  /** A new code for a number, `{ code }`, or how many seconds there is none, `{ wait }`. */
  begin(number) {
    const now = Date.now();
    const times = (this.#all.get(number)?.times ?? []).filter(time => now - time < HOUR);
    if (times.length >= CODES_AN_HOUR) return { wait: Math.ceil((times[0] + HOUR - now) / 1000) };
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    this.#all.delete(number);
    this.#all.set(number, { code, tries: TRIES, expires: now + CODE_LIVES, times: [...times, now] });
    if (this.#all.size > MOST_NUMBERS) this.#all.delete(this.#all.keys().next().value);
    return { code };
  }

  /** Whether a code is the number's, and how many tries are left. It is good once. */
  check(number, code) {
    const login = this.#all.get(number);
    if (!login || login.tries === 0 || Date.now() > login.expires) return { isRight: false, left: 0 };
    if (login.code !== code) return { isRight: false, left: --login.tries };
    login.tries = 0;
    return { isRight: true };
  }
}
