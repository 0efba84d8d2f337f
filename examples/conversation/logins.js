// Codes of the bot's own, for customers whose number was proved before: they prove it once more. Whoever types a number must not
// find out whether it is a customer's, so this says and allows just what the service does by its defaults.

import { randomInt } from 'node:crypto';

import { ConfirmationTokenExpiredError, ConfirmationTokenInvalidError, ResendTooSoonError, TooManyAttemptsError } from 'dirtylemon';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const LIFE = 5.5 * MINUTE;
const TRIES = 5;
const TRIES_A_DAY = 10;
const CODES_A_DAY = 20;
/** Between two codes. It doubles with each, up to the longest. */
const PAUSE = MINUTE / 2;
const LONGEST_PAUSE = 10 * MINUTE;

/** How many numbers are remembered. */
const MOST_NUMBERS = 10_000;

export class Logins {
  /** Of each number, when it was sent codes and when wrong ones came, within a day, whoever asked. */
  #numbers = new Map();

  /** The proof of a number for one conversation. `send` sends a code to it. */
  login(number, send) {
    const record = this.#numbers.get(number) ?? { codes: [], wrong: [] };
    this.#numbers.delete(number);
    this.#numbers.set(number, record);
    if (this.#numbers.size > MOST_NUMBERS) this.#numbers.delete(this.#numbers.keys().next().value);
    return new Login(record, send);
  }
}

/** One conversation's code. It is asked as the service is: see `proof` in conversation.js. */
class Login {
  #record;
  #send;
  #code;
  #wrong = 0;
  #generated = 0;
  /** When it made its codes, within an hour: the pause between two is the customer's, who is another for each who types a new number. */
  #mine = [];

  constructor(record, send) {
    this.#record = record;
    this.#send = send;
  }

  async verification() {
    const expires = this.#generated + LIFE;
    const lockedUntil = after(this.#record.wrong, TRIES_A_DAY);
    const isLocked = lockedUntil > Date.now() || this.#wrong >= TRIES;
    return {
      status: isLocked ? 'locked' : Date.now() > expires ? 'expired' : 'pending',
      expires_at: time(expires),
      attempts_remaining: Math.max(0, Math.min(TRIES - this.#wrong, TRIES_A_DAY - recent(this.#record.wrong).length)),
      next_generation_at: time(this.#next()),
      locked_until: lockedUntil > Date.now() ? time(lockedUntil) : null,
    };
  }

  async generate() {
    const wait = Math.ceil((this.#next() - Date.now()) / 1000);
    if (wait > 0) throw new ResendTooSoonError('', { retryAfter: wait });
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    await this.#send(code);
    this.#record.codes = [...recent(this.#record.codes), Date.now()];
    this.#mine = [...this.#mine.filter(time => Date.now() - time < HOUR), Date.now()];
    this.#code = code;
    this.#wrong = 0;
    this.#generated = Date.now();
  }

  async confirm(code) {
    const { status, attempts_remaining } = await this.verification();
    if (status === 'locked') throw new TooManyAttemptsError();
    if (status === 'expired') throw new ConfirmationTokenExpiredError();
    if (code === this.#code) return;
    this.#wrong += 1;
    this.#record.wrong = [...recent(this.#record.wrong), Date.now()];
    throw new ConfirmationTokenInvalidError('', { problem: { attempts_remaining: attempts_remaining - 1 } });
  }

  /** From when on there may be another code. */
  #next() {
    const mine = this.#mine.filter(time => Date.now() - time < HOUR);
    const pause = mine.length === 0 ? 0 : mine.at(-1) + Math.min(PAUSE * 2 ** (mine.length - 1), LONGEST_PAUSE);
    return Math.max(pause, after(this.#record.codes, CODES_A_DAY));
  }
}

const recent = times => times.filter(time => Date.now() - time < DAY);

/** When there are fewer than so many within a day. */
const after = (times, most) => (recent(times).length < most ? 0 : recent(times).at(-most) + DAY);

const time = milliseconds => new Date(milliseconds).toISOString();
