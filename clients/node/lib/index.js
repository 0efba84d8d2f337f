// The client: every operation of the API as a method, for the settings that it was made with.
'use strict';

const { OPERATIONS } = require('./api.js');
const { classes } = require('./errors.js');
const { List, nextPage } = require('./list.js');
const { OPTIONS, SETTINGS, only, request } = require('./request.js');
const { stream } = require('./stream.js');
const { verify } = require('./webhooks.js');

/** By this an answer is known to be the service's own, when it has no body. */
const PROBLEM = 'application/problem+json';

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
function methodOf(settings, name, { method, path, answer, sends }) {
  const parts = path.match(/(?<=\{)\w+(?=\})/g) ?? [];
  const taken = given => {
    const [params, options] = sends ? given.slice(parts.length) : [undefined, given[parts.length]];
    return { ids: given.slice(0, parts.length), params: params ?? {}, options: options ?? {} };
  };
  const call = async ({ ids, params, options }, more) => {
    const filled = parts.reduce((filled, part, at) => {
      if (typeof ids[at] !== 'string' || ids[at] === '') throw new TypeError(`${name} needs ${part}, a string`);
      return filled.replace(`{${part}}`, encodeURIComponent(ids[at]));
    }, path);
    if (typeof params !== 'object') throw new TypeError(`${name} takes an object of parameters`);
    only(OPTIONS, options, `the options of ${name}`);
    return request(settings, { method, path: filled, ...(sends && { [sends]: params }), ...more }, options);
  };
  const kinds = {
    object: async (...given) => withResponse(await call(taken(given))),
    list: (...given) => {
      const first = taken(given);
      return new List(async params => page(await call({ ...first, params })), first.params);
    },
    stream: (...given) => {
      const first = taken(given);
      const firstEvents = async () => (await request(settings, { method: 'GET', path: '/v1/events' }, first.options)).body;
      return stream(headers => call(first, { headers, stream: true }), firstEvents, first.options);
    },
    exists: async (...given) => {
      try {
        return Boolean(await call(taken(given)));
      } catch (error) {
        if (error.statusCode === 404 && error.lastResponse.headers['content-type'] === PROBLEM) return false;
        throw error;
      }
    },
  };
  return kinds[answer];
}

/** What was answered, with the answer's status and headers where they are in nobody's way. */
function withResponse({ body, lastResponse }) {
  return Object.defineProperty(body, 'lastResponse', { value: lastResponse });
}

function page(answer) {
  const items = withResponse(answer);
  return Object.defineProperty(items, 'nextPage', { value: nextPage(answer.lastResponse) });
}

// The class is an instance, too: the one that the environment configures.
Object.assign(Dirtylemon, resources({}), classes, { Dirtylemon });

module.exports = Dirtylemon;
