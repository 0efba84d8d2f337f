// What can go wrong, each kind a class. No error holds the key: none is made of a request.
'use strict';

const { CODES } = require('./api.js');

/** The first of all errors of this client. `requestId` finds the request in the service's log. */
class DirtylemonError extends Error {
  constructor(message, { requestId, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.requestId = requestId;
  }

  get name() {
    return this.constructor.name;
  }
}

/** The client lacks something that it cannot do without, or cannot work with what it was given. */
class ConfigurationError extends DirtylemonError {}

/** The service was not reached, or the connection ended before the answer did. Whether the request was done is not known. */
class ConnectionError extends DirtylemonError {}

/** There was no answer within the time-out. Whether the request was done is not known. */
class TimeoutError extends DirtylemonError {}

/** A request is not a genuine one of the service's. */
class SignatureVerificationError extends DirtylemonError {}

/** The service refused. The members of its problem document are members of the error. */
class ApiError extends DirtylemonError {
  constructor(message, { problem = {}, statusCode, retryAfter, lastResponse }) {
    super(message, { requestId: lastResponse.requestId });
    const { type, title, status, request_id, ...members } = problem;
    Object.assign(this, { errors: [] }, members, { statusCode, retryAfter });
    Object.defineProperty(this, 'lastResponse', { value: lastResponse });
  }
}

const className = code => `${code.replace(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase())}Error`;

const byCode = new Map(
  CODES.map(code => {
    const name = className(code);
    return [code, { [name]: class extends ApiError {} }[name]];
  }),
);

/** The error of an answer. A code that this client does not know yet is an `ApiError`. */
function errorOf({ statusCode, problem, retryAfter, lastResponse }) {
  const Class = byCode.get(problem?.code) ?? ApiError;
  const fields = problem?.errors?.map(({ detail }) => detail) ?? [];
  const message = problem ? [problem.detail, ...fields].join(' ') : `The answer is ${statusCode} and does not say why: is the base URL right?`;
  return new Class(message, { problem, statusCode, retryAfter, lastResponse });
}

const classes = { DirtylemonError, ApiError, ConfigurationError, ConnectionError, TimeoutError, SignatureVerificationError };
for (const Class of byCode.values()) classes[Class.name] = Class;

module.exports = { ...classes, classes, errorOf };
