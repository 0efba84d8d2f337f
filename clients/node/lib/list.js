// Lists: a page when it is awaited, everything when it is gone through.
'use strict';

/** What calls of `list` give. Nothing is sent until it is awaited or gone through. */
class List {
  #read;
  #params;
  #first;

  /** `read` reads the answer of these parameters: `{ items, next }`, where `next` is the cursor of the next page. */
  constructor(read, params) {
    this.#read = read;
    this.#params = params;
  }

  /** The first page. Who awaits it twice gets the same. */
  #page() {
    this.#first ??= this.#pageOf(this.#params);
    return this.#first;
  }

  async #pageOf(params) {
    const { items, next } = await this.#read(params);
    const nextPage = next === null ? null : { ...params, after: next };
    // An awaited page, too, is everything when it is gone through with `for await`.
    const rest = () => this.#all(nextPage);
    const all = async function* () {
      yield* items[Symbol.iterator]();
      yield* rest();
    };
    return Object.defineProperties(items, { nextPage: { value: nextPage }, [Symbol.asyncIterator]: { value: all } });
  }

  async *#all(params) {
    if (params) yield* await this.#pageOf(params);
  }

  then(resolve, reject) {
    return this.#page().then(resolve, reject);
  }

  catch(reject) {
    return this.#page().catch(reject);
  }

  finally(settled) {
    return this.#page().finally(settled);
  }

  [Symbol.asyncIterator]() {
    return this.#all(this.#params);
  }

  async autoPagingToArray({ limit } = {}) {
    if (!(Number.isInteger(limit) && limit > 0)) {
      throw new TypeError('say how many there may be at most: autoPagingToArray({ limit: 1000 })');
    }
    const all = [];
    for await (const item of this) {
      all.push(item);
      if (all.length === limit) break;
    }
    return all;
  }
}

/** The cursor of the page that `Link` leads to; `null` behind the last. */
function cursorOf({ headers }) {
  const next = /<[^>]*\?([^>]*)>;\s*rel="next"/.exec(headers.link ?? '');
  return next && new URLSearchParams(next[1]).get('after');
}

module.exports = { List, cursorOf };
