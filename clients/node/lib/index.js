// The client: every operation of the API as a method, for the settings that it was made with.
'use strict';

const { OPERATIONS } = require('./api.js');
const { classes, notOurs } = require('./errors.js');
const { List, cursorOf } = require('./list.js');
const { OPTIONS, SETTINGS, only, request } = require('./request.js');
const { stream } = require('./stream.js');
const { verify } = require('./webhooks.js');

class Dirtylemon {
  constructor(settings = {}) {
    Object.assign(this, resources(only(SETTINGS, settings, 'the settings of a client')));
  }
}

/** All resources with their methods, each under both spellings of its name. */
function resources(settings) {
  const made = { webhooks: { verify } };
  for (const [resource, operations] of Object.entries(OPERATIONS)) {
    made[resource] = {};
    for (const [name, operation] of Object.entries(operations)) {
      const method = methodOf(settings, `${resource}.${name}`, operation);
      Object.defineProperty(method, 'name', { value: name });
      made[resource][name] = made[resource][camelCase(name)] = method;
    }
    made[camelCase(resource)] = made[resource];
  }
  return made;
}

const camelCase = name => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** What sends an operation. It takes the parts of the path, then what is sent, if anything, then the options. */
function methodOf(settings, name, { method, path, answer, sends, takes = [] }) {
  const parts = path.match(/(?<=\{)\w+(?=\})/g) ?? [];
  const known = Object.fromEntries(['timeout', 'maxRetries', 'signal', ...takes].map(option => [option, OPTIONS[option]]));
  const taken = given => {
    const rest = given.slice(parts.length);
    const params = (sends ? rest.shift() : undefined) ?? {};
    const options = rest.shift() ?? {};
    if (rest.length > 0) throw new TypeError(`${name} takes no more than ${[...parts, ...(sends ? ['params'] : []), 'options'].join(', ')}`);
    if (typeof params !== 'object') throw new TypeError(`${name} takes an object of parameters`);
    return { ids: given.slice(0, parts.length), params, options: only(known, options, `the options of ${name}`) };
  };
  const call = async ({ ids, params, options }, more) => {
    const filled = parts.reduce((filled, part, at) => {
      const id = ids[at];
      if (typeof id !== 'string' || ['', '.', '..'].includes(id)) throw new TypeError(`${name} needs ${part}, a string that names one`);
      return filled.replace(`{${part}}`, () => encodeURIComponent(id));
    }, path);
    return request(settings, { method, path: filled, ...(sends && { [sends]: params }), ...more }, options);
  };
  const kinds = {
    object: async (...given) => withResponse(await call(taken(given))),
    list: (...given) => {
      const first = taken(given);
      const read = async params => {
        const answered = await call({ ...first, params });
        if (!Array.isArray(answered.body)) throw notOurs(answered.lastResponse);
        return { items: withResponse(answered), next: cursorOf(answered.lastResponse) };
      };
      return new List(read, first.params);
    },
    stream: (...given) => {
      const { ids, params, options } = taken(given);
      return stream({
        open: (headers, signal) => call({ ids, params, options: { ...options, signal } }, { headers, stream: true }),
        firstEvents: async signal => (await request(settings, { method: 'GET', path: '/v1/events' }, { ...options, signal })).body,
        after: params.after,
        signal: options.signal,
      });
    },
    exists: async (...given) => {
      const asked = taken(given);
      try {
        return Boolean(await call(asked));
      } catch (error) {
        if (error.statusCode !== 404) throw error;
      }
      // That he is not there is said in full, so that it is known from a path that leads nowhere.
      try {
        return Boolean(await call(asked, { method: 'GET' }));
      } catch (error) {
        if (error.code === 'customer_not_found') return false;
        throw error;
      }
    },
  };
  return kinds[answer];
}

/** What was answered, with the answer's status and headers where they are in nobody's way. */
function withResponse({ body, lastResponse }) {
  return Object.defineProperty(body, 'lastResponse', { value: lastResponse, enumerable: false, configurable: true });
}

// The class is an instance, too: the one that the environment configures.
Object.assign(Dirtylemon, resources({}), classes, { Dirtylemon });

module.exports = Dirtylemon;
