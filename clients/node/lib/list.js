// Lists: a page when it is awaited, everything when it is gone through.
'use strict';

/** What calls of `list` give. Nothing is sent until it is awaited or gone through. */
class List {
  #pageOf;
  #first;

  /** `pageOf` reads the page of these parameters. */
  constructor(pageOf, params) {
    this.#pageOf = pageOf;
    this.#first = params;
  }

  then(resolve, reject) {
    return this.#pageOf(this.#first).then(resolve, reject);
  }

  catch(reject) {
    return this.then(undefined, reject);
  }

  finally(settled) {
    return this.#pageOf(this.#first).finally(settled);
  }

  async *[Symbol.asyncIterator]() {
    for (let params = this.#first; params; ) {
      const page = await this.#pageOf(params);
      yield* page;
      params = page.nextPage;
    }
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

/** The parameters of the page that `Link` leads to, filters and all; `null` behind the last. */
function nextPage({ headers }) {
  const next = /<[^>]*\?([^>]*)>;\s*rel="next"/.exec(headers.link ?? '');
  return next && Object.fromEntries(new URLSearchParams(next[1]));
}

module.exports = { List, nextPage };
