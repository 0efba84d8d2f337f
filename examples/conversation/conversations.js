// All conversations that are going on, in memory: a real bot keeps them where its messages are.

import { randomBytes } from 'node:crypto';

import { Conversation, textOf } from './conversation.js';
import { Logins } from './logins.js';

/** How many there are at once, how many messages of each are kept, and how many wait for their turn. */
const MOST_CONVERSATIONS = 1_000;
const MOST_MESSAGES = 200;
const MOST_WAITING = 10;

/** How many customers' last events are remembered. */
const MOST_CUSTOMERS = 10_000;

export class Conversations {
  /** The one that was used last is the last. */
  #all = new Map();
  /** The highest sequence of each customer's events: those that are not above it have been dealt with. */
  #seen = new Map();
  /** What is being done about events, by their ids: a copy that comes meanwhile waits for it. */
  #underWay = new Map();
  #tools;
  #send;

  constructor({ dirtylemon, send }) {
    this.#tools = { dirtylemon, send, logins: new Logins() };
    this.#send = send;
  }

  /** The conversation of this id, when there is one. */
  find(id) {
    const talk = this.#all.get(id);
    if (talk) {
      this.#all.delete(id);
      this.#all.set(id, talk);
    }
    return talk;
  }

  begin(country) {
    const id = randomBytes(16).toString('base64url');
    const talk = new Talk(id, tools => new Conversation({ ...this.#tools, ...tools, country }));
    this.#all.set(id, talk);
    if (this.#all.size > MOST_CONVERSATIONS) this.#end(this.#all.keys().next().value);
    return talk;
  }

  #end(id) {
    this.#all.get(id).close();
    this.#all.delete(id);
  }

  /** What Customers tells. When it throws, the event comes again. */
  async learn(event) {
    if (event.type === 'ping') return;
    const { id } = event;
    if (!this.#underWay.has(id)) this.#underWay.set(id, this.#learn(event).finally(() => this.#underWay.delete(id)));
    await this.#underWay.get(id);
  }

  async #learn(event) {
    const { type, data } = event;
    const customerId = data.customer?.id ?? data.customer_id;
    if (data.sequence <= (this.#seen.get(customerId) ?? 0)) return;
    // A code that came too late, after an outage, helps nobody.
    if (type === 'verification' && data.status === 'pending' && Date.parse(data.expires_at) > Date.now()) {
      await this.#send(data.customer.unconfirmed_phone_number, textOf(data.confirmation_token));
    }
    this.#seen.delete(customerId);
    this.#seen.set(customerId, data.sequence);
    if (this.#seen.size > MOST_CUSTOMERS) this.#seen.delete(this.#seen.keys().next().value);
    for (const talk of this.#all.values()) {
      if (talk.conversation.customerId === customerId) talk.take(() => talk.conversation.learn(event));
    }
  }

  close() {
    for (const id of [...this.#all.keys()]) this.#end(id);
  }
}

/** A conversation with all that was said in it, and who looks at it. */
class Talk {
  messages = [];
  #watchers = new Set();
  #turn = Promise.resolve();
  #waiting = 0;

  constructor(id, begin) {
    this.id = id;
    this.conversation = begin({
      say: message => this.#add({ from: 'bot', ...message }),
      turn: doIt => this.take(doIt),
    });
  }

  /** What the person says. Whether it is heard: it is not when he says too much at once. */
  say(text) {
    if (this.#waiting >= MOST_WAITING) return false;
    this.#add({ from: 'person', text });
    this.take(() => this.conversation.hear(text));
    return true;
  }

  /** Does one thing after the other: what is said while an answer is thought about is heard after it. */
  take(doIt) {
    this.#waiting += 1;
    this.#turn = this.#turn
      .then(doIt)
      .catch(error => console.error(error))
      .finally(() => (this.#waiting -= 1));
  }

  #add(message) {
    this.messages.push(message);
    this.messages.splice(0, this.messages.length - MOST_MESSAGES);
    for (const watcher of this.#watchers) watcher.show(message);
  }

  /** Shows all that was said, and from now on what is said, until the answer is called. */
  watch(watcher) {
    for (const message of this.messages) watcher.show(message);
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  close() {
    this.conversation.close();
    for (const watcher of this.#watchers) watcher.end();
  }
}
