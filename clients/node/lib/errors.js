// What can go wrong, each kind a class. No error holds the key: what is told of a request is its method and its path.
'use strict';

const { CODES } = require('./api.js');

/** The first of all errors of this client. `requestId` finds the request in the service's log. */
class DirtylemonError extends Error {
  constructor(message, { requestId, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
    this.requestId = requestId;
  }
}

/** The client lacks something that it cannot do without, or cannot work with what it was given. */
class ConfigurationError extends DirtylemonError {}

/** The service was not reached, or its answer not to its end. Whether the request was done is not known. */
class ConnectionError extends DirtylemonError {}

/** There was no answer within the time-out. Whether the request was done is not known. */
class TimeoutError extends DirtylemonError {}

/** A request is not a genuine one of the service's. */
class SignatureVerificationError extends DirtylemonError {}

/** What a problem document may not say of the error that it becomes. */
const OWN = ['name', 'message', 'stack', 'cause', 'requestId', 'lastResponse', '__proto__', 'constructor'];
/** What the error says in other words. */
const TOLD_OTHERWISE = ['type', 'title', 'status', 'request_id'];

/** The service refused. The members of its problem document are members of the error. */
class ApiError extends DirtylemonError {
  constructor(message, { problem = {}, statusCode, retryAfter, lastResponse } = {}) {
    super(message, { requestId: lastResponse?.requestId });
    this.code = new.target.code;
    for (const [name, value] of Object.entries(problem)) {
      if (!OWN.includes(name) && !TOLD_OTHERWISE.includes(name)) this[name] = value;
    }
    const isList = Array.isArray(problem.errors) && problem.errors.every(error => typeof error?.field === 'string');
    this.errors = isList ? problem.errors : [];
    Object.assign(this, { statusCode, retryAfter });
    Object.defineProperty(this, 'lastResponse', { value: lastResponse });
  }
}

const className = code => `${code.replace(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase())}Error`;

const byCode = new Map(
  CODES.map(code => {
    const name = className(code);
    return [code, { [name]: class extends ApiError { static code = code; } }[name]];
  }),
);

/** The code of an answer without a body: `HEAD` has none. */
const BY_STATUS = { 401: 'unauthorized', 403: 'forbidden', 429: 'rate_limited', 500: 'internal_error', 503: 'unavailable' };

/** The error of an answer. A code that this client does not know yet is an `ApiError`. */
function errorOf({ statusCode, problem, hasBody, retryAfter, lastResponse }) {
  const Class = byCode.get(problem?.code ?? (hasBody ? undefined : BY_STATUS[statusCode])) ?? ApiError;
  const error = new Class('', { problem, statusCode, retryAfter, lastResponse });
  const fields = error.errors.map(({ detail }) => detail);
  error.message = problem
    ? [problem.detail ?? problem.title ?? problem.code, ...fields].join(' ')
    : `The answer is ${statusCode} and does not say why: is the base URL right?`;
  // The stack begins with the message of its time.
  Error.captureStackTrace(error, errorOf);
  return error;
}

/** The error of an answer that says that all is well, and nothing that the service would say. */
function notOurs({ statusCode, requestId }) {
  return new ConnectionError(`The answer (${statusCode}) is not what the service says: is the base URL right?`, { requestId });
}

const classes = { DirtylemonError, ApiError, ConfigurationError, ConnectionError, TimeoutError, SignatureVerificationError };
for (const Class of byCode.values()) classes[Class.name] = Class;

module.exports = { ...classes, classes, errorOf, notOurs };
