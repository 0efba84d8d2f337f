// One conversation: what the bot says to what the person says, and to what it hears from Customers.

import {
  AlreadyConfirmedError,
  ConfirmationTokenExpiredError,
  ConfirmationTokenInvalidError,
  CustomerNotFoundError,
  InvalidParametersError,
  PhoneNumberTakenError,
  PreconditionFailedError,
  RateLimitedError,
  ResendTooSoonError,
  TooManyAttemptsError,
} from 'dirtylemon';

const NEW_CODE = 'Send a new code';
const ANOTHER_NUMBER = 'Another number';
const CHOICES = [NEW_CODE, ANOTHER_NUMBER];
const OVER = { text: 'That code is not good any more. Shall I send a new one?', choices: CHOICES };

/** Somebody else may change a record while it is looked at: how often that is looked at anew. */
const ROUNDS = 3;

/** How many numbers one person may try: each costs a text. */
const MOST_NUMBERS = 5;

/** How long to wait, in milliseconds, before looking again whether a code is still good: it lives a little longer than it says. */
const LOOK_AGAIN = 2_000;
const LONGEST_WAIT = 2 ** 31 - 1;

/** What goes to a telephone. */
export const textOf = code => `${code} is your code. Give it to nobody but our bot.`;

export class Conversation {
  #dirtylemon;
  #logins;
  #say;
  #send;
  #turn;
  #country;
  /** What an answer is taken for: a method. */
  #expects = this.#number;
  #numbers = 0;
  /** What the person has typed as his number, in his own words. */
  #spelling;
  #customerId;
  /** Where the proof of the number is had: see `#ofService`. */
  #proof;
  /** The number that this person has proved to be his; until then he hears nothing of anybody. */
  #proved;
  #greeted = false;
  #timer;

  /**
   * `say` shows the person something: `{ text, links, choices }`. `send` sends a text to a number. `turn` does something when
   * nothing else is being done. `country` is where the person is, for a number without its country's code.
   */
  constructor({ dirtylemon, logins, say, send, turn, country }) {
    this.#dirtylemon = dirtylemon;
    this.#logins = logins;
    this.#say = say;
    this.#send = send;
    this.#turn = turn;
    this.#country = country;
  }

  /** The customer that it is about, once there is one. */
  get customerId() {
    return this.#customerId;
  }

  /** What the person says. */
  async hear(text) {
    try {
      await this.#expects(text.trim());
    } catch (error) {
      if (error instanceof CustomerNotFoundError) return this.#beginAgain('Please give me your number once more.');
      console.error(`what was said could not be answered: ${error.message} (${error.requestId ?? 'no request'})`);
      this.#say({ text: 'Something went wrong on our side. Please say that once more in a moment.' });
    }
    return undefined;
  }

  /** What Customers tells about the customer. */
  async learn({ type, data }) {
    if (type === 'customer.erased') {
      const isHis = this.#proved !== undefined;
      const why = isHis ? 'All that we knew about you is deleted.' : 'Somebody has asked for a code for that number again.';
      return this.#beginAgain(`${why} What is your phone number?`);
    }
    // Before he has proved his number, he may be anybody.
    if (type === 'customer.updated' && this.#proved !== undefined) await this.#saved(data);
    return undefined;
  }

  /** Ends what it waits for. */
  close() {
    clearTimeout(this.#timer);
  }

  #beginAgain(text) {
    this.close();
    this.#customerId = this.#proof = this.#proved = undefined;
    this.#expects = this.#number;
    this.#say({ text });
  }

  async #number(text) {
    // A code that comes late is no number, though in some countries it could be one.
    if (/^\d{3}[\s-]?\d{3}$/.test(text)) return this.#say({ text: 'That looks like a code. What is your phone number?' });
    if (this.#numbers >= MOST_NUMBERS) return this.#say({ text: 'Those were many numbers. Please come back tomorrow.' });
    try {
      this.#spelling = text;
      await this.#prove(text);
      this.#numbers += 1;
    } catch (error) {
      if (error instanceof InvalidParametersError) {
        return this.#say({ text: 'I cannot read that as a phone number. Please write it with its country, as in +1 418 581 0827.' });
      }
      if (error instanceof PhoneNumberTakenError) return this.#say({ text: 'Somebody else is typing that number. Please try again in a moment.' });
      if (isTooMuch(error)) return this.#say({ text: `That number has had many codes. Please come back ${when(error.retryAfter)}.` });
      throw error;
    }
    return this.#askForCode();
  }

  /** Has a code sent to a number: by the service for who is new, by the bot for who is known. */
  async #prove(number) {
    const { customers } = this.#dirtylemon;
    const params = { unconfirmed_phone_number: number, country_code: this.#country };
    for (let round = 1; ; round++) {
      try {
        const { id } = await customers.create(params, { maxRetries: 0 });
        this.#customerId = id;
        this.#proof = this.#ofService(id);
        return;
      } catch (error) {
        if (!(error instanceof PhoneNumberTakenError)) throw error;
        const { existing_customer_id, existing_customer_confirmed } = error;
        if (existing_customer_confirmed) return this.#proveAgain(existing_customer_id);
        if (round === ROUNDS) throw error;
        await this.#makeWay(existing_customer_id);
      }
    }
  }

  /** A record that nobody has proved to be his gives way: whoever holds the telephone gets the code. */
  async #makeWay(id) {
    const { customers } = this.#dirtylemon;
    try {
      const holder = await customers.retrieve(id);
      const unchanged = { ifMatch: holder.lastResponse.headers.etag };
      // He has another number that is his: only his change to this one is given up.
      if (holder.phone_number === null) await customers.del(id, unchanged);
      else await customers.withdraw_phone_number(id, unchanged);
    } catch (error) {
      // He has proved it in this moment, or is gone: looked at anew.
      if (!(error instanceof PreconditionFailedError) && error.statusCode !== 404) throw error;
    }
  }

  /** A proof by the service. */
  #ofService(id) {
    const { customers } = this.#dirtylemon;
    return {
      verification: () => customers.verification(id),
      generate: () => customers.generate_confirmation(id, { maxRetries: 0 }),
      confirm: token => customers.confirm(id, { confirmation_token: token }, { maxRetries: 0 }),
    };
  }

  /** Somebody whom we know proves it once more, by a code of ours. He hears the same as a stranger: who is a customer is no news. */
  async #proveAgain(id) {
    const { phone_number } = await this.#dirtylemon.customers.retrieve(id);
    const login = this.#logins.login(phone_number, code => this.#send(phone_number, textOf(code)));
    await login.generate();
    this.#customerId = id;
    this.#proof = {
      verification: () => login.verification(),
      generate: () => login.generate(),
      confirm: async code => {
        await login.confirm(code);
        // A number changes hands: whoever holds this one now is not he.
        const now = await this.#dirtylemon.customers.retrieve(id);
        if (now.phone_number !== phone_number) throw new ConfirmationTokenExpiredError();
      },
    };
  }

  #askForCode() {
    this.#expects = this.#code;
    this.#say({ text: `I am sending a code to ${this.#spelling}. Please type it here.` });
    return this.#watch();
  }

  async #code(text) {
    if (text === ANOTHER_NUMBER) return this.#beginAgain('What is your phone number?');
    if (text === NEW_CODE) return this.#resend();
    const code = text.replace(/[\s-]/g, '');
    if (!/^\d{6}$/.test(code)) return this.#say({ text: 'Please type the six digits that I have sent you.', choices: CHOICES });
    try {
      await this.#proof.confirm(code);
    } catch (error) {
      if (error instanceof ConfirmationTokenInvalidError && error.attempts_remaining > 0) {
        return this.#say({ text: `That is not the code. You have ${tries(error.attempts_remaining)} left.` });
      }
      const isOver = [ConfirmationTokenInvalidError, ConfirmationTokenExpiredError, TooManyAttemptsError];
      if (isOver.some(kind => error instanceof kind)) return this.#explain();
      if (!(error instanceof AlreadyConfirmedError)) throw error;
      // By this code, if the answer was lost; else by somebody else, and then it is no proof of his.
      const { confirmation_token } = await this.#dirtylemon.customers.retrieve(this.#customerId);
      if (confirmation_token !== code) return this.#startOver();
    }
    return this.#welcome();
  }

  /** The number was proved by somebody else meanwhile: as for any other customer's, there is another code. */
  async #startOver() {
    this.#expects = this.#number;
    return this.#number(this.#spelling);
  }

  /** Says where the proof stands, and what helps. */
  async #explain() {
    const { status, attempts_remaining, locked_until, next_generation_at } = await this.#proof.verification();
    if (status === 'confirmed') return this.#startOver();
    if (status === 'pending') return this.#say({ text: `Please type the code. You have ${tries(attempts_remaining)} left.` });
    if (locked_until) return this.#say({ text: `Those were too many wrong codes. Please come back ${when(secondsUntil(locked_until))}.` });
    const seconds = secondsUntil(next_generation_at);
    return this.#say(seconds > 0 ? { ...OVER, text: `${OVER.text} I can do so ${when(seconds)}.` } : OVER);
  }

  async #resend() {
    const { status, locked_until } = await this.#proof.verification();
    if (status === 'confirmed') return this.#startOver();
    if (locked_until) return this.#explain();
    try {
      await this.#proof.generate();
    } catch (error) {
      if (error instanceof AlreadyConfirmedError) return this.#startOver();
      if (isTooMuch(error)) return this.#say({ text: `I can send the next code ${when(error.retryAfter)}.`, choices: CHOICES });
      throw error;
    }
    return this.#askForCode();
  }

  /** Offers a new code when the window of this one has passed. */
  async #watch() {
    this.close();
    if (this.#expects !== this.#code) return undefined;
    const { status, expires_at } = await this.#proof.verification().catch(() => ({ status: 'pending' }));
    if (status === 'expired') return this.#explain();
    if (status !== 'pending') return undefined;
    const wait = Math.min(Math.max(secondsUntil(expires_at) * 1000, LOOK_AGAIN), LONGEST_WAIT);
    this.#timer = setTimeout(() => this.#turn(() => this.#watch()), wait);
    return undefined;
  }

  async #welcome() {
    const customer = await this.#dirtylemon.customers.retrieve(this.#customerId);
    this.close();
    this.#expects = this.#done;
    this.#proved = customer.phone_number;
    this.#greeted = customer.first_name !== null;
    const name = customer.first_name ? `, ${customer.first_name}` : '';
    this.#say({ text: `Thank you${name}! Your number is confirmed. Where do we send things, and how do you pay?`, links: linksOf(customer) });
  }

  async #done() {
    const customer = await this.#dirtylemon.customers.retrieve(this.#customerId);
    // His number is another one now, and who holds the old one may be somebody else.
    if (customer.phone_number !== this.#proved) return this.#beginAgain('Please give me your number once more.');
    return this.#say({ text: 'Here are your pages. They are yours alone, and for a while.', links: linksOf(customer) });
  }

  /** He has saved one of his forms. */
  async #saved({ changed, customer }) {
    if (customer.phone_number !== this.#proved) return this.#beginAgain('Please give me your number once more.');
    const { addresses, card } = this.#dirtylemon;
    const stored = changed.some(name => name.endsWith('_address')) ? await addresses.retrieve(customer.id) : {};
    for (const purpose of ['billing', 'shipping']) {
      const address = changed.includes(`${purpose}_address`) && stored[purpose];
      if (!address) continue;
      const name = customer.first_name ?? address.name.split(' ')[0];
      const hello = this.#greeted ? `Thank you, ${name}.` : `Nice to meet you, ${name}!`;
      this.#greeted = true;
      this.#say({ text: `${hello} Your ${purpose} address is saved: ${address.line1}, ${address.city}.` });
    }
    if (changed.includes('card')) {
      const saved = await card.retrieve(customer.id).catch(error => (error.statusCode === 404 ? undefined : Promise.reject(error)));
      this.#say({ text: saved ? `Your card is saved: ${saved.brand}, ending in ${saved.last4}.` : 'Your card is removed.' });
    }
    return undefined;
  }
}

const isTooMuch = error => [ResendTooSoonError, TooManyAttemptsError, RateLimitedError].some(kind => error instanceof kind);

const linksOf = ({ billing_address_url, shipping_address_url, card_url }) => [
  { label: 'Billing address', url: billing_address_url },
  { label: 'Shipping address', url: shipping_address_url },
  { label: 'Card', url: card_url },
];

const tries = count => (count === 1 ? 'one try' : `${count} tries`);

const secondsUntil = time => (time ? Math.ceil((Date.parse(time) - Date.now()) / 1000) : 0);

function when(seconds = 60) {
  if (seconds <= 90) return `in ${Math.max(Math.ceil(seconds), 1)} seconds`;
  return seconds <= 5400 ? `in ${Math.ceil(seconds / 60)} minutes` : `in ${Math.ceil(seconds / 3600)} hours`;
}
