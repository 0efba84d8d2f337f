// One conversation: what the bot says to what the person says, and to what it hears from Customers.

import {
  AlreadyConfirmedError,
  ConfirmationTokenExpiredError,
  ConfirmationTokenInvalidError,
  DirtylemonError,
  InvalidParametersError,
  PhoneNumberTakenError,
  PreconditionFailedError,
  RateLimitedError,
  ResendTooSoonError,
  TooManyAttemptsError,
} from 'dirtylemon';

const NEW_CODE = 'Send a new code';

/** Somebody else may change a record while it is looked at: how often that is looked at anew. */
const ROUNDS = 3;

/** How long to wait, in milliseconds, before looking again whether a code is still good: it lives a little longer than it says. */
const LOOK_AGAIN = 2_000;
const LONGEST_WAIT = 2 ** 31 - 1;

export class Conversation {
  #dirtylemon;
  #say;
  #send;
  #logins;
  #country;
  /** What an answer is taken for: a method. */
  #expects = this.#number;
  #customerId;
  #e164;
  /** Whom we know already, who is to prove it once more. */
  #knownId;
  #greeted = false;
  #timer;

  /**
   * `say` shows the person something: `{ text, links, choices }`. `send` sends a text to a number. `country` is where he is, for
   * a number without its country's code.
   */
  constructor({ dirtylemon, logins, say, send, country }) {
    this.#dirtylemon = dirtylemon;
    this.#logins = logins;
    this.#say = say;
    this.#send = send;
    this.#country = country;
    say({ text: 'Hello! What is your phone number? I will send it a code.' });
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
      if (!(error instanceof DirtylemonError)) throw error;
      console.error(`a call failed (${error.requestId}): ${error.message}`);
      this.#say({ text: 'Something went wrong on our side. Please say that once more in a moment.' });
    }
  }

  /** What Customers tells about the customer. */
  async learn({ type, data }) {
    if (type === 'customer.updated') await this.#saved(data);
    if (type === 'customer.erased') {
      this.close();
      this.#customerId = undefined;
      this.#expects = this.#number;
      this.#say({ text: 'All that we knew about you is deleted. Should you want to come back: what is your phone number?' });
    }
  }

  /** Ends what it waits for. */
  close() {
    clearTimeout(this.#timer);
  }

  async #number(text) {
    try {
      const { id, unconfirmed_phone_number } = await this.#create(text);
      this.#customerId = id;
      this.#e164 = unconfirmed_phone_number;
    } catch (error) {
      if (error instanceof InvalidParametersError) {
        return this.#say({ text: 'I cannot read that as a phone number. Please write it with its country, as in +1 418 581 0827.' });
      }
      if (error instanceof PhoneNumberTakenError) return this.#welcomeBack(error.existing_customer_id);
      if (isTooMuch(error)) return this.#say({ text: `That number has had many codes. Please come back ${when(error.retryAfter)}.` });
      throw error;
    }
    this.#askForCode();
    await this.#watch();
  }

  /** A customer with this number. A record that nobody has proved to be his gives way: whoever holds the telephone gets the code. */
  async #create(number) {
    const { customers } = this.#dirtylemon;
    for (let round = 1; ; round++) {
      try {
        return await customers.create({ unconfirmed_phone_number: number, country_code: this.#country }, { maxRetries: 0 });
      } catch (error) {
        const mayGiveWay = error instanceof PhoneNumberTakenError && !error.existing_customer_confirmed;
        if (!mayGiveWay || round === ROUNDS) throw error;
        await this.#makeWay(error.existing_customer_id);
      }
    }
  }

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

  /** Somebody whom we know proves it once more, by a code of ours. He hears the same as a stranger: who is a customer is no news. */
  async #welcomeBack(id) {
    const { phone_number } = await this.#dirtylemon.customers.retrieve(id);
    const { code, wait } = this.#logins.begin(phone_number);
    if (wait) return this.#say({ text: `That number has had many codes. Please come back ${when(wait)}.` });
    this.#knownId = id;
    this.#e164 = phone_number;
    await this.#send(phone_number, `${code} is your code. Give it to nobody but our bot.`);
    return this.#askForCode();
  }

  #askForCode() {
    this.#expects = this.#code;
    this.#say({ text: `I am sending a code to ${this.#e164}. Please type it here.` });
  }

  async #code(text) {
    if (text === NEW_CODE) return this.#knownId ? this.#welcomeBack(this.#knownId) : this.#resend();
    if (!/\d/.test(text)) return this.#say({ text: 'Please type the six digits that I have sent you.', choices: [NEW_CODE] });
    if (this.#knownId) return this.#codeOfOurs(text.replace(/[\s-]/g, ''));
    try {
      await this.#dirtylemon.customers.confirm(this.#customerId, { confirmation_token: text }, { maxRetries: 0 });
    } catch (error) {
      if (error instanceof InvalidParametersError) return this.#say({ text: 'A code has six digits. That one did not count.' });
      if (error instanceof ConfirmationTokenInvalidError && error.attempts_remaining > 0) {
        return this.#say({ text: `That is not the code. You have ${tries(error.attempts_remaining)} left.` });
      }
      const isOver = [ConfirmationTokenInvalidError, ConfirmationTokenExpiredError, TooManyAttemptsError];
      if (isOver.some(kind => error instanceof kind)) return this.#explain();
      if (!(error instanceof AlreadyConfirmedError)) throw error;
    }
    await this.#proved();
  }

  async #codeOfOurs(code) {
    const { isRight, left } = this.#logins.check(this.#e164, code);
    if (!isRight) return this.#say(left === 0 ? OVER : { text: `That is not the code. You have ${tries(left)} left.` });
    this.#customerId = this.#knownId;
    this.#knownId = undefined;
    return this.#proved();
  }

  /** Says where the proof stands, and what helps. */
  async #explain() {
    const { status, attempts_remaining, locked_until, next_generation_at } = await this.#verification();
    if (status === 'pending') return this.#say({ text: `Please type the code. You have ${tries(attempts_remaining)} left.` });
    if (status === 'confirmed') return this.#proved();
    if (locked_until) return this.#say({ text: `Those were too many wrong codes. Please come back ${when(secondsUntil(locked_until))}.` });
    const seconds = secondsUntil(next_generation_at);
    if (seconds > 0) return this.#say({ text: `${OVER.text} I can do so ${when(seconds)}.`, choices: OVER.choices });
    return this.#say(OVER);
  }

  async #resend() {
    const { status, locked_until, next_generation_at } = await this.#verification();
    if (status === 'confirmed') return this.#proved();
    if (locked_until) return this.#explain();
    const seconds = secondsUntil(next_generation_at);
    if (seconds > 0) return this.#say({ text: `I can send the next code ${when(seconds)}.`, choices: [NEW_CODE] });
    try {
      await this.#dirtylemon.customers.generate_confirmation(this.#customerId, { maxRetries: 0 });
    } catch (error) {
      if (isTooMuch(error)) return this.#say({ text: `I can send the next code ${when(error.retryAfter)}.`, choices: [NEW_CODE] });
      throw error;
    }
    this.#askForCode();
    await this.#watch();
  }

  #verification() {
    return this.#dirtylemon.customers.verification(this.#customerId);
  }

  /** Offers a new code when the window of this one has passed. */
  async #watch() {
    const { status, expires_at } = await this.#verification();
    clearTimeout(this.#timer);
    if (status === 'expired') return this.#explain();
    if (status !== 'pending') return undefined;
    const wait = Math.max(secondsUntil(expires_at) * 1000, LOOK_AGAIN);
    this.#timer = setTimeout(() => this.#watch().catch(error => console.error(error.message)), Math.min(wait, LONGEST_WAIT));
    return undefined;
  }

  async #proved() {
    this.close();
    this.#expects = this.#done;
    const customer = await this.#dirtylemon.customers.retrieve(this.#customerId);
    const name = customer.first_name ? `, ${customer.first_name}` : '';
    this.#greeted = customer.first_name !== null;
    this.#say({ text: `Thank you${name}! Your number is confirmed. Where do we send things, and how do you pay?`, links: linksOf(customer) });
  }

  async #done() {
    const customer = await this.#dirtylemon.customers.retrieve(this.#customerId);
    this.#say({ text: 'Here are your pages. They are yours alone, and for a while.', links: linksOf(customer) });
  }

  /** He has saved one of his forms. */
  async #saved({ changed, customer }) {
    const { addresses, card } = this.#dirtylemon;
    for (const purpose of ['billing', 'shipping'].filter(purpose => changed.includes(`${purpose}_address`))) {
      const address = (await addresses.retrieve(customer.id))[purpose];
      if (!address) continue;
      const name = customer.first_name ?? address.name.split(' ')[0];
      const hello = this.#greeted ? `Thank you, ${name}.` : `Nice to meet you, ${name}!`;
      this.#greeted = true;
      this.#say({ text: `${hello} Your ${purpose} address is saved: ${address.line1}, ${address.city}.` });
    }
    if (changed.includes('card')) {
      const { brand, last4 } = await card.retrieve(customer.id);
      this.#say({ text: `Your card is saved: ${brand}, ending in ${last4}.` });
    }
  }
}

const OVER = { text: 'That code is not good any more. Shall I send a new one?', choices: [NEW_CODE] };

const isTooMuch = error => [ResendTooSoonError, TooManyAttemptsError, RateLimitedError].some(kind => error instanceof kind);

const linksOf = ({ billing_address_url, shipping_address_url, card_url }) => [
  { label: 'Billing address', url: billing_address_url },
  { label: 'Shipping address', url: shipping_address_url },
  { label: 'Card', url: card_url },
];

const tries = count => (count === 1 ? 'one try' : `${count} tries`);

const secondsUntil = time => (time ? Math.ceil((Date.parse(time) - Date.now()) / 1000) : 0);

function when(seconds = 60) {
  if (seconds <= 90) return `in ${Math.max(seconds, 1)} seconds`;
  return seconds <= 5400 ? `in ${Math.ceil(seconds / 60)} minutes` : `in ${Math.ceil(seconds / 3600)} hours`;
}
