// What every method has in common.

import type { ErrorCode, Event, FieldProblem } from './api.js';

/** How a client calls the service. */
export interface Settings {
  /** An API key. Without it, `DIRTYLEMON_API_KEY` of the environment. */
  apiKey?: string | undefined;
  /**
   * Where the service is, such as `https://customers.example.com`. Without it, `DIRTYLEMON_BASE_URL` of the environment, else
   * `http://127.0.0.1:8080`.
   */
  baseUrl?: string | undefined;
  /** How many milliseconds a call may take, all its tries and the pauses between them together: 30,000. */
  timeout?: number | undefined;
  /** How often a request is sent again at most, where that may help: 3. */
  maxRetries?: number | undefined;
  /** What sends requests in place of the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
}

/** How one call is made. */
export interface RequestOptions {
  /** In place of the client's: milliseconds, for the call with all its tries. */
  timeout?: number | undefined;
  /** In place of the client's: how often the request is sent again at most. */
  maxRetries?: number | undefined;
  /** Ends the call, which then fails with the signal's reason. What the service has begun, it ends. */
  signal?: AbortSignal | undefined;
}

/** Of a call that may be sent again by you, perhaps after a crash of yours. */
export interface Repeatable {
  /** Names the request: sent again with its key, it is done once. Without it, each call makes one for its own tries. */
  idempotencyKey?: string | undefined;
}

/** Of a call that changes what you have read. */
export interface Conditional {
  /** `lastResponse.headers.etag` of what you have read: when it has changed since, the call fails and changes nothing. */
  ifMatch?: string;
}

/** What was answered, beyond the body. */
export interface LastResponse {
  /** Names the request in the service's log. */
  readonly requestId: string;
  readonly statusCode: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a call gives. `lastResponse` is not enumerable: neither JSON nor a copy has it. */
export type Result<T> = T & { readonly lastResponse: LastResponse };

/** What a call gives whose answer has no body. */
export type Empty = Record<never, never>;

/**
 * A page of a list: an array with more members, which are not enumerable. Gone through with `for await` it goes on with the
 * pages after it; with `for`, or as any array, it is this page.
 */
export type Page<T, Params> = Result<T[]> & {
  /** The parameters with which `list` gives the next page; `null` behind the last. */
  readonly nextPage: Params | null;
  [Symbol.asyncIterator](): AsyncGenerator<T, void, void>;
};

/** A list. Awaited, it is its first page; gone through with `for await`, it is all that there is, page by page. */
export interface List<T, Params = Empty> extends PromiseLike<Page<T, Params>>, AsyncIterable<T> {
  catch<Other = never>(rejected?: (reason: unknown) => Other | PromiseLike<Other>): Promise<Page<T, Params> | Other>;
  finally(settled?: () => void): Promise<Page<T, Params>>;
  /** All that there is as an array, up to so many. */
  autoPagingToArray(options: { limit: number }): Promise<T[]>;
}

/** An event that only tries an endpoint. */
export interface PingEvent {
  id: string;
  type: 'ping';
  timestamp: string;
  data: Empty;
}

export interface Webhooks {
  /**
   * The event of a request that the service has sent.
   *
   * @param rawBody The body as it arrived, before any parser.
   * @param headers The headers of the request: of Node, of Fetch, or any object.
   * @param secret What the service showed when the endpoint was made: `whsec_…`.
   * @param options `tolerance`: how many seconds the request may be old, or its clock be wrong; 300.
   * @throws {SignatureVerificationError} The request is not genuine, or too old.
   */
  verify(
    rawBody: string | Uint8Array | ArrayBuffer,
    headers: Headers | Record<string, string | string[] | undefined>,
    secret: string,
    options?: { tolerance?: number },
  ): Event | PingEvent;
}

/** All that this client throws, but for errors of programming (`TypeError`) and what your signal says. */
export class DirtylemonError extends Error {
  constructor(message?: string, options?: { requestId?: string; cause?: unknown });
  /** Names the request in the service's log, also where no answer came. */
  readonly requestId?: string;
}

/** There is no key, or one that is none, or the base URL is none. */
export class ConfigurationError extends DirtylemonError {}

/** The service was not reached, or its answer not to its end. Whether the request was done is not known. */
export class ConnectionError extends DirtylemonError {}

/** There was no answer within the time-out. Whether the request was done is not known. */
export class TimeoutError extends DirtylemonError {}

/** A request is not genuine, or too old. */
export class SignatureVerificationError extends DirtylemonError {}

/** The service refused. Its class says why, where this client knows the code. */
export class ApiError extends DirtylemonError {
  /** Tests make errors, too: of what they do not say, nothing is there. */
  constructor(
    message?: string,
    answer?: { problem?: object; statusCode?: number; retryAfter?: number; lastResponse?: LastResponse },
  );
  readonly requestId: string;
  readonly statusCode: number;
  /** What programs go by; `undefined` where something else than the service has answered. */
  readonly code?: ErrorCode | (string & {});
  /** A sentence that says what to do. */
  readonly detail?: string;
  /** All fields that are wrong, of `invalid_parameters`. */
  readonly errors: FieldProblem[];
  /** Of `confirmation_token_invalid`: tries left. */
  readonly attempts_remaining?: number;
  /** Of `phone_number_taken`: who holds the number. Never show it to the person. */
  readonly existing_customer_id?: string;
  /** Of `phone_number_taken`: whether it was proved to be his. */
  readonly existing_customer_confirmed?: boolean;
  /** How many seconds to wait, where waiting helps. */
  readonly retryAfter?: number;
  readonly lastResponse: LastResponse;
}
