// Written by generate.js from the API's document: change that, and run it.

import type { ApiError, Conditional, Empty, List, Repeatable, RequestOptions, Result } from './core.js';

/** What went wrong, for programs and for people. */
export interface Problem {
  /** Where the code is explained: `/errors/CODE`. */
  type: string;
  /** What the code means, always the same for one code. */
  title: string;
  /** The HTTP status. */
  status: number;
  /** A sentence that says what to do about this occurrence. */
  detail: string;
  /** What programs go by. A code never changes its meaning. */
  code: string;
  /** The request, for whoever reads the logs. */
  request_id: string;
  /** All fields that are wrong. */
  errors?: Array<FieldProblem>;
  /** Of `phone_number_taken`: who holds the number. */
  existing_customer_id?: string | null;
  /** Of `phone_number_taken`: whether it was proved to be his. */
  existing_customer_confirmed?: boolean | null;
  /** Of `confirmation_token_invalid`: tries left. */
  attempts_remaining?: number | null;
}

/** One wrong field. */
export interface FieldProblem {
  /** The field. */
  field: string;
  /** What kind of wrong. */
  code: string;
  /** A sentence that says what it must be. */
  detail: string;
}

/** The customer object: fifteen members, in this order, always all there. */
export interface Customer {
  /** A UUID. */
  id: string;
  /** The number that was proved to be his, in E.164. */
  phone_number: string | null;
  /** The number that is to be proved, in E.164; the same as `phone_number` once it is. */
  unconfirmed_phone_number: string;
  /** The region that the number belongs to (ISO 3166-1 alpha-2). */
  country_code: string;
  /** His e-mail address, as it was written. */
  email: string | null;
  /** His first name. */
  first_name: string | null;
  /** His last name. */
  last_name: string | null;
  /** Six digits that prove the number, to be sent to it and nobody else. `null` for a key with the scope `read`. */
  confirmation_token: string | null;
  /**
   * His own page for the billing address, for a while. Only *retrieve* fills it, and not for a key with the
   * scope `read`.
   */
  billing_address_url: string | null;
  /** The same for the shipping address. */
  shipping_address_url: string | null;
  /** The same for the card. */
  card_url: string | null;
  /** When the number was proved. */
  confirmed_at: string | null;
  /** When a receiver of events accepted the one with the current token. */
  confirmation_sent_at: string | null;
  /** When he was created. */
  created_at: string;
  /** When a member of this object, an address or the card last changed. */
  updated_at: string;
}

/** All that is stored about a customer. */
export interface PersonalData {
  /** The customer object. */
  customer: Customer;
  /** Where the proof of his number stands. */
  verification: Verification;
  /** What is kept for the sake of that proof. */
  proof: ProofData;
  /** His addresses. */
  addresses: Addresses;
  /** His card, `null` where there is none. */
  card: Card | null;
  /** The card as its provider knows it, `null` where there is none. */
  card_at_provider: CardAtProvider | null;
  /** His id at the card provider, `null` where he has none. */
  card_provider_customer: string | null;
  /** The links to his pages, without their codes. */
  links: Array<Link>;
  /** The events about him, as they were stored. */
  events: Array<StoredEvent>;
  /** Where they were sent. */
  deliveries: Array<Delivery>;
}

/** Where the proof of a number stands: six members, in this order, always all there. */
export interface Verification {
  /**
   * `pending`: the customer is to be asked for the token; `expired`: he needs a new one; `locked`: he has no try
   * left; `confirmed`: nothing is to be proved.
   */
  status: 'pending' | 'expired' | 'locked' | 'confirmed';
  /**
   * Until when the token lives. It is accepted for a little longer, for it is under way for a while: what counts
   * is `status`.
   */
  expires_at: string | null;
  /** How often he may be wrong yet. */
  attempts_remaining: number | null;
  /** From when on a new token may be made. */
  next_generation_at: string | null;
  /** When a receiver of events accepted the one with the token. */
  sent_at: string | null;
  /** Until when no token helps. */
  locked_until: string | null;
}

/**
 * What is kept for the sake of the proof of a number: what is counted, and what waits beside the customer
 * object.
 */
export interface ProofData {
  /** When he presented wrong tokens within the last 24 hours. */
  wrong_tries: Array<string>;
  /**
   * When wrong tokens were presented for the number that waits, or waited last, within the last 24 hours, by
   * whoever held it.
   */
  number_wrong_tries: Array<string>;
  /** When tokens were made for that number within the last 24 hours. */
  number_tokens: Array<string>;
  /** When his last token was made. */
  last_token_at: string | null;
  /** How many tokens he got in a row. */
  tokens_in_row: number;
  /** When he asked for the number that waits beside the one that is his. */
  change_requested_at: string | null;
  /** The token that proved the number that is his, while another number waits; `null` for a key that only reads. */
  held_token: string | null;
  /** When that token was sent. */
  held_token_sent_at: string | null;
}

/** Both addresses of a customer, `null` where there is none. */
export interface Addresses {
  /** The billing address. */
  billing: Address | null;
  /** The shipping address. */
  shipping: Address | null;
}

/** An address: eight members, in this order, always all there. */
export interface Address {
  /** Who receives it. */
  name: string;
  /** A company, or whatever stands beneath the name. */
  company: string | null;
  /** Street and number. */
  line1: string;
  /** Flat, floor, building. */
  line2: string | null;
  /** As the country writes it. */
  postal_code: string | null;
  /** City or town. */
  city: string | null;
  /** Province, state, county: the code where the country has some. */
  region: string | null;
  /** ISO 3166-1 alpha-2. */
  country: string;
}

/** What the world sees of a card. */
export interface Card {
  /** Whose card it is. */
  brand: string;
  /** The last four digits of its number. */
  last4: string;
  /** The month in which it expires, 1 to 12. */
  exp_month: number;
  /** The year in which it expires. */
  exp_year: number;
  /** When it was saved. */
  updated_at: string;
}

/** A card as its provider knows it. */
export interface CardAtProvider {
  /** Which provider. */
  provider: string;
  /** The provider's id of the card. */
  payment_method: string;
  /** The provider's id of the procedure that brought it. */
  setup: string;
}

/** A link to one of his pages. */
export interface Link {
  /** What it opens. */
  purpose: string;
  /** When it was made. */
  created_at: string;
  /** Until when it lives. */
  expires_at: string;
  /** When it was used up or replaced. */
  revoked_at: string | null;
  /** The card provider's id of what was begun with it. */
  card_setup: string | null;
}

/** An event as it is read: whole, or what is left of it. For the API's document: what is read is the stored text. */
export type StoredEvent = Event | ErasedEvent;

/**
 * An event as it is stored and delivered. Later releases add types, and members of `data`: ignore those that you
 * do not know.
 */
export type Event = VerificationEvent | CustomerUpdatedEvent | CustomerErasedEvent;

/** A phone number is to be proved, or has been. */
export interface VerificationEvent {
  /** The same in every delivery of it. */
  id: string;
  /** What kind of event it is. */
  type: 'verification';
  /** When it happened. */
  timestamp: string;
  /** What happened. */
  data: VerificationData;
}

/** Of `verification`: a phone number is to be proved, or has been. */
export interface VerificationData {
  /** `pending`: send the token to the number; `confirmed`: the number is the customer's. */
  status: 'pending' | 'confirmed';
  /** Why. */
  reason: 'created' | 'regenerated' | 'confirmed';
  /** Counts the events of this customer from 1 without a gap. */
  sequence: number;
  /** As he was at that moment. */
  customer: Customer;
  /** The token to send, while `pending`. `null` for a key with the scope `read`. */
  confirmation_token?: string | null;
  /** Until when the token lives, while `pending`. */
  expires_at?: string | null;
}

/** Something that is kept about a customer has changed. */
export interface CustomerUpdatedEvent {
  /** The same in every delivery of it. */
  id: string;
  /** What kind of event it is. */
  type: 'customer.updated';
  /** When it happened. */
  timestamp: string;
  /** What happened. */
  data: CustomerUpdatedData;
}

/** Of `customer.updated`: something that is kept about the customer changed. */
export interface CustomerUpdatedData {
  /** Counts the events of this customer from 1 without a gap. */
  sequence: number;
  /** What did. */
  changed: Array<string>;
  /** As he was at that moment. */
  customer: Customer;
}

/** A customer is erased: all that was kept about him is gone. */
export interface CustomerErasedEvent {
  /** The same in every delivery of it. */
  id: string;
  /** What kind of event it is. */
  type: 'customer.erased';
  /** When it happened. */
  timestamp: string;
  /** What happened. */
  data: CustomerErasedData;
}

/** Of `customer.erased`: all that was kept about the customer is gone. */
export interface CustomerErasedData {
  /** Counts the events of this customer from 1 without a gap. */
  sequence: number;
  /** Who he was. */
  customer_id: string;
}

/** What is left of an event whose customer was erased. */
export interface ErasedEvent {
  /** The same as before. */
  id: string;
  /** What kind of event it was. */
  type: string;
  /** When it happened. */
  timestamp: string;
  /** All that is left of what it told. */
  data: ErasedData;
}

/** All that is left of what an event told. */
export interface ErasedData {
  /** Counts the events of this customer from 1 without a gap. */
  sequence: number;
  /** `true`. */
  erased: true;
}

/** A delivery and its tries. */
export interface Delivery {
  /** Its id. */
  id: string;
  /** Where it goes. */
  endpoint_id: string;
  /** What is delivered. */
  event_id: string;
  /** The type of the event. */
  event_type: string;
  /** Whom the event is about. */
  customer_id: string;
  /** `failed` when it was given up. */
  status: 'pending' | 'accepted' | 'failed';
  /** Whether somebody asked for it: it then comes outside the customer's order. */
  repeat: 'redelivery' | 'replay' | null;
  /** When it was queued. */
  created_at: string;
  /** When it was accepted or given up. */
  finished_at: string | null;
  /** When it is tried next; `null` while it waits for an earlier one of the customer. */
  next_try_at: string | null;
  /** What was tried, oldest first. */
  tries: Array<DeliveryTry>;
}

/** One try. */
export interface DeliveryTry {
  /** When it began. */
  at: string;
  /** What the endpoint answered. */
  status_code: number | null;
  /** How long it took, in milliseconds. */
  duration_ms: number;
  /** The beginning of what the endpoint answered. `null` for a key with the scope `read`. */
  answer: string | null;
  /** Why there was no answer. */
  error: string | null;
}

/** A webhook endpoint. */
export interface WebhookEndpoint {
  /** Its id. */
  id: string;
  /** Where events are sent. */
  url: string;
  /** The types of events that it takes. */
  event_types: Array<'verification' | 'customer.updated' | 'customer.erased'>;
  /** What was said about it. */
  description: string | null;
  /** Whether nothing is sent. */
  disabled: boolean;
  /** Since when nothing is sent. */
  disabled_at: string | null;
  /** Why nothing is sent: somebody asked for it, the endpoint said that it is gone, or it failed for days. */
  disabled_reason: 'requested' | 'gone' | 'failing' | null;
  /** Since when it has accepted nothing of what it was sent. */
  failing_since: string | null;
  /** When it was made. */
  created_at: string;
  /** When it was last changed. */
  updated_at: string;
}

/** A webhook endpoint with its secret, for the one time that it is shown. */
export interface WebhookEndpointWithSecret {
  /** Its id. */
  id: string;
  /** Where events are sent. */
  url: string;
  /** The types of events that it takes. */
  event_types: Array<'verification' | 'customer.updated' | 'customer.erased'>;
  /** What was said about it. */
  description: string | null;
  /** Whether nothing is sent. */
  disabled: boolean;
  /** Since when nothing is sent. */
  disabled_at: string | null;
  /** Why nothing is sent: somebody asked for it, the endpoint said that it is gone, or it failed for days. */
  disabled_reason: 'requested' | 'gone' | 'failing' | null;
  /** Since when it has accepted nothing of what it was sent. */
  failing_since: string | null;
  /** When it was made. */
  created_at: string;
  /** When it was last changed. */
  updated_at: string;
  /** What signs its webhooks. Only the answers that make a secret have it. */
  secret: string;
}

/** What came of trying an endpoint. */
export interface TestOutcome {
  /** The ping that was sent. */
  event_id: string;
  /** Whether the endpoint answered 2xx. */
  accepted: boolean;
  /** When it began. */
  at: string;
  /** What the endpoint answered. */
  status_code: number | null;
  /** How long it took, in milliseconds. */
  duration_ms: number;
  /** The beginning of what the endpoint answered. `null` for a key with the scope `read`. */
  answer: string | null;
  /** Why there was no answer. */
  error: string | null;
}

/** What is delivered again. */
export interface Replay {
  /** How many deliveries were queued. */
  queued: number;
}

/** That it is well. */
export interface Health {
  /** What is well. */
  status: 'ok' | 'ready';
}

/** List and find customers: what to send. */
export interface CustomersListParams {
  /** Who holds this number, confirmed or not, in any spelling. */
  phone_number?: string | undefined;
  /** The country in which `phone_number` is dialled. */
  country_code?: string | undefined;
  /** Those with this e-mail address, in whichever case. */
  email?: string | undefined;
  /** Those whose number is proved, or the others. */
  confirmed?: boolean | undefined;
  /** Who was created at this time or later. */
  created_after?: string | Date | undefined;
  /** Who was created earlier than this time. */
  created_before?: string | Date | undefined;
  /** Where the page begins, as `Link` of the one before says it. */
  after?: string | undefined;
  /** How many are answered at most. */
  limit?: number | undefined;
}

/** Create a customer: what to send. */
export interface CustomersCreateParams {
  /**
   * The number, in any spelling that its country knows, or as `+`, calling code and number. No two customers
   * have the same.
   */
  unconfirmed_phone_number: string;
  /** The country in whose spelling the number is read (ISO 3166-1 alpha-2). */
  country_code: string;
  /** His first name. */
  first_name?: string | null | undefined;
  /** His last name. */
  last_name?: string | null | undefined;
  /** His e-mail address. */
  email?: string | null | undefined;
  /** `false`: the number is confirmed on your word. `null` means `true`. */
  confirmation?: boolean | null | undefined;
}

/** Create a customer under an id of yours: what to send. */
export interface CustomersCreateWithIdParams {
  /**
   * The number, in any spelling that its country knows, or as `+`, calling code and number. No two customers
   * have the same.
   */
  unconfirmed_phone_number: string;
  /** The country in whose spelling the number is read (ISO 3166-1 alpha-2). */
  country_code: string;
  /** His first name. */
  first_name?: string | null | undefined;
  /** His last name. */
  last_name?: string | null | undefined;
  /** His e-mail address. */
  email?: string | null | undefined;
  /** `false`: the number is confirmed on your word. `null` means `true`. */
  confirmation?: boolean | null | undefined;
}

/** Update a customer: what to send. */
export interface CustomersUpdateParams {
  /** His first name. */
  first_name?: string | null | undefined;
  /** His last name. */
  last_name?: string | null | undefined;
  /** His e-mail address. */
  email?: string | null | undefined;
  /** Not changed by this: leave it out, or repeat what is stored. */
  id?: string | undefined;
  /** Not changed by this: leave it out, or repeat what is stored. */
  phone_number?: string | null | undefined;
  /** Not changed by this: leave it out, or repeat what is stored. */
  unconfirmed_phone_number?: string | undefined;
  /** Not changed by this: leave it out, or repeat what is stored. */
  country_code?: string | undefined;
  /** Not looked at. */
  confirmation_token?: unknown | undefined;
  /** Not looked at. */
  billing_address_url?: unknown | undefined;
  /** Not looked at. */
  shipping_address_url?: unknown | undefined;
  /** Not looked at. */
  card_url?: unknown | undefined;
  /** Not looked at. */
  confirmed_at?: unknown | undefined;
  /** Not looked at. */
  confirmation_sent_at?: unknown | undefined;
  /** Not looked at. */
  created_at?: unknown | undefined;
  /** Not looked at. */
  updated_at?: unknown | undefined;
}

/** Confirm a customer: what to send. */
export interface CustomersConfirmParams {
  /** The six digits, as a text; spaces and hyphens are dropped. */
  confirmation_token: string;
}

/** Change a customer's phone number: what to send. */
export interface CustomersChangePhoneNumberParams {
  /**
   * The number, in any spelling that its country knows, or as `+`, calling code and number. No two customers
   * have the same.
   */
  unconfirmed_phone_number: string;
  /** The country in whose spelling the number is read (ISO 3166-1 alpha-2). */
  country_code: string;
  /** `false`: the number is confirmed on your word. `null` means `true`. */
  confirmation?: boolean | null | undefined;
}

/** Save an address: what to send. */
export interface AddressesSaveParams {
  /** Who receives it. */
  name?: string | null | undefined;
  /** A company, or whatever stands beneath the name. */
  company?: string | null | undefined;
  /** Street and number. */
  line1?: string | null | undefined;
  /** Flat, floor, building. */
  line2?: string | null | undefined;
  /** As the country writes it, in whichever spelling. */
  postal_code?: string | null | undefined;
  /** City or town. */
  city?: string | null | undefined;
  /** Province, state, county: its code or its name where the country has some. */
  region?: string | null | undefined;
  /** ISO 3166-1 alpha-2. Its rules say what else is needed, and how it is spelled. */
  country: string;
}

/** Read events: what to send. */
export interface EventsListParams {
  /** Begin after this event; without it, with the first. */
  after?: string | undefined;
  /** Only this customer's. */
  customer_id?: string | undefined;
  /** How many are answered at most. */
  limit?: number | undefined;
}

/** Follow events: what to send. */
export interface EventsStreamParams {
  /** Begin after this event; without it, with what comes from now on. */
  after?: string | undefined;
}

/** Make a webhook endpoint: what to send. */
export interface WebhookEndpointsCreateParams {
  /** Where events are sent: `https`, at a public address unless the operator allows more. */
  url: string;
  /** The types of events that it takes. */
  event_types: Array<'verification' | 'customer.updated' | 'customer.erased'>;
  /** Whatever you want to say about it. */
  description?: string | null | undefined;
}

/** Change a webhook endpoint: what to send. */
export interface WebhookEndpointsUpdateParams {
  /** Where events are sent: `https`, at a public address unless the operator allows more. */
  url?: string | undefined;
  /** The types of events that it takes. */
  event_types?: Array<'verification' | 'customer.updated' | 'customer.erased'> | undefined;
  /** Whatever you want to say about it. */
  description?: string | null | undefined;
  /** `true`: nothing is sent, and what comes waits. `false`: all that waits goes out. */
  disabled?: boolean | undefined;
}

/** Deliver all events again since a time: what to send. */
export interface WebhookEndpointsReplayParams {
  /** The time. */
  since: string | Date;
}

/** List a webhook endpoint's deliveries: what to send. */
export interface WebhookEndpointsListDeliveriesParams {
  /** Only those of this status. */
  status?: 'pending' | 'accepted' | 'failed' | undefined;
  /** Begin after this delivery to the endpoint; without it, with the newest. */
  after?: string | undefined;
  /** How many are answered at most. */
  limit?: number | undefined;
}

export interface CustomersResource {
  /**
   * List and find customers: `GET /v1/customers`.
   *
   * Customers, newest first, their URLs `null`; of several filters all must be true. Whoever follows `Link` from
   * page to page sees everybody once who was there at the first.
   */
  list(params?: CustomersListParams, options?: RequestOptions): List<Customer, CustomersListParams>;
  /**
   * Create a customer: `POST /v1/customers`.
   *
   * Creates a customer with a phone number that is not proved yet, makes a token, and fires the event
   * `verification` with it: send the token to the number, and what the customer says back to *Confirm a
   * customer*.
   *
   * With `confirmation: false` you vouch for the number: he is created confirmed, and that event is not fired.
   *
   * @throws {CustomerNotFoundError}
   * @throws {PhoneNumberTakenError}
   * @throws {ResendTooSoonError}
   */
  create(params: CustomersCreateParams, options?: RequestOptions & Repeatable): Promise<Result<Customer>>;
  /**
   * Retrieve a customer: `GET /v1/customers/{customer_id}`.
   *
   * The customer with URLs to his own pages, where he edits billing address, shipping address and card. Each
   * lives for a while: retrieve him when you want to send one. A key with the scope `read` sees neither URLs nor
   * token.
   *
   * @throws {CustomerNotFoundError}
   */
  retrieve(customer_id: string, options?: RequestOptions): Promise<Result<Customer>>;
  /** See whether a customer is there, `true` or `false`: `HEAD /v1/customers/{customer_id}`. */
  exists(customer_id: string, options?: RequestOptions): Promise<boolean>;
  /**
   * Create a customer under an id of yours: `POST /v1/customers/{customer_id}`.
   *
   * The same under a UUID that you choose. Sent again after a lost answer it creates nobody twice: it is refused
   * with `customer_id_taken`.
   *
   * @throws {CustomerNotFoundError}
   * @throws {PhoneNumberTakenError}
   * @throws {CustomerIdTakenError}
   * @throws {ResendTooSoonError}
   */
  create_with_id(customer_id: string, params: CustomersCreateWithIdParams, options?: RequestOptions & Repeatable): Promise<Result<Customer>>;
  /** The same as `create_with_id`. */
  createWithId: this['create_with_id'];
  /**
   * Update a customer: `PATCH /v1/customers/{customer_id}`.
   *
   * Changes names and e-mail address: what is absent is kept, `null` clears. The other members of the customer
   * may be sent back as they were read. A change fires the event `customer.updated`.
   *
   * @throws {CustomerNotFoundError}
   * @throws {PreconditionFailedError}
   */
  update(customer_id: string, params?: CustomersUpdateParams, options?: RequestOptions & Conditional): Promise<Result<Customer>>;
  /**
   * Erase a customer: `DELETE /v1/customers/{customer_id}`.
   *
   * Erases the customer and all that is kept about him; his number is free again, his id never is. Of his events
   * stays that there were some, and the event `customer.erased` tells of it.
   *
   * @throws {CustomerNotFoundError}
   * @throws {PreconditionFailedError}
   */
  del(customer_id: string, options?: RequestOptions & Conditional): Promise<Result<Empty>>;
  /**
   * Export all that is stored about a customer: `GET /v1/customers/{customer_id}/export`.
   *
   * One document for the person himself (GDPR, article 20). A key with the scope `read` sees no tokens.
   *
   * @throws {CustomerNotFoundError}
   */
  export(customer_id: string, options?: RequestOptions): Promise<Result<PersonalData>>;
  /**
   * Confirm a customer: `POST /v1/customers/{customer_id}/confirm`.
   *
   * Presents the token that the customer got: the number is his then, and the event `verification` tells of it.
   * A wrong token costs a try; a new one is made by *Generate a confirmation token*.
   *
   * @throws {CustomerNotFoundError}
   * @throws {AlreadyConfirmedError}
   * @throws {PreconditionFailedError}
   * @throws {ConfirmationTokenInvalidError}
   * @throws {ConfirmationTokenExpiredError}
   * @throws {TooManyAttemptsError}
   */
  confirm(customer_id: string, params: CustomersConfirmParams, options?: RequestOptions & Repeatable & Conditional): Promise<Result<Customer>>;
  /**
   * Generate a confirmation token: `POST /v1/customers/{customer_id}/generate_confirmation`.
   *
   * Makes a new token and fires the event `verification` with it; the old one is dead. Tries of the day are not
   * given back by it.
   *
   * @throws {CustomerNotFoundError}
   * @throws {AlreadyConfirmedError}
   * @throws {PreconditionFailedError}
   * @throws {ResendTooSoonError}
   */
  generate_confirmation(customer_id: string, options?: RequestOptions & Repeatable & Conditional): Promise<Result<Empty>>;
  /** The same as `generate_confirmation`. */
  generateConfirmation: this['generate_confirmation'];
  /**
   * See where the proof of a number stands: `GET /v1/customers/{customer_id}/verification`.
   *
   * What a program needs to say the right sentence to the customer. There is no token in it.
   *
   * @throws {CustomerNotFoundError}
   */
  verification(customer_id: string, options?: RequestOptions): Promise<Result<Verification>>;
  /**
   * Give a locked customer his tries back: `POST /v1/customers/{customer_id}/verification/unlock`.
   *
   * For a customer who has no try left, once somebody has made sure that it is he who asks. The log tells who
   * did it.
   *
   * @throws {CustomerNotFoundError}
   */
  unlock_verification(customer_id: string, options?: RequestOptions & Repeatable): Promise<Result<Verification>>;
  /** The same as `unlock_verification`. */
  unlockVerification: this['unlock_verification'];
  /**
   * Change a customer's phone number: `POST /v1/customers/{customer_id}/phone_number`.
   *
   * The new number waits for its token, which goes out with the event `verification`; until it is confirmed the
   * old one stays the customer's. Of a customer who is not confirmed the number is replaced. With `confirmation:
   * false` you vouch for the new one: it is his at once.
   *
   * @throws {CustomerNotFoundError}
   * @throws {PhoneNumberTakenError}
   * @throws {AlreadyConfirmedError}
   * @throws {PreconditionFailedError}
   * @throws {ResendTooSoonError}
   */
  change_phone_number(customer_id: string, params: CustomersChangePhoneNumberParams, options?: RequestOptions & Repeatable & Conditional): Promise<Result<Customer>>;
  /** The same as `change_phone_number`. */
  changePhoneNumber: this['change_phone_number'];
  /**
   * Give up a pending phone number: `DELETE /v1/customers/{customer_id}/phone_number`.
   *
   * The number that waits for its token is given up; the customer keeps his. The event `customer.updated` tells
   * of it.
   *
   * @throws {CustomerNotFoundError}
   * @throws {PendingPhoneNumberNotFoundError}
   * @throws {PreconditionFailedError}
   */
  withdraw_phone_number(customer_id: string, options?: RequestOptions & Conditional): Promise<Result<Empty>>;
  /** The same as `withdraw_phone_number`. */
  withdrawPhoneNumber: this['withdraw_phone_number'];
}

export interface AddressesResource {
  /**
   * Read a customer's addresses: `GET /v1/customers/{customer_id}/addresses`.
   *
   * Billing and shipping address, whoever saved them.
   *
   * @throws {CustomerNotFoundError}
   */
  retrieve(customer_id: string, options?: RequestOptions): Promise<Result<Addresses>>;
  /**
   * Save an address: `PUT /v1/customers/{customer_id}/addresses/{purpose}`.
   *
   * Saves the address in the place of the one that is there, by the rules of its country. A change fires the
   * event `customer.updated`.
   *
   * @throws {CustomerNotFoundError}
   * @throws {RouteNotFoundError}
   * @throws {PreconditionFailedError}
   */
  save(customer_id: string, purpose: 'billing' | 'shipping', params: AddressesSaveParams, options?: RequestOptions & Conditional): Promise<Result<Address>>;
  /**
   * Remove an address: `DELETE /v1/customers/{customer_id}/addresses/{purpose}`.
   *
   * Removes the address. The event `customer.updated` tells of it.
   *
   * @throws {CustomerNotFoundError}
   * @throws {AddressNotFoundError}
   * @throws {RouteNotFoundError}
   * @throws {PreconditionFailedError}
   */
  del(customer_id: string, purpose: 'billing' | 'shipping', options?: RequestOptions & Conditional): Promise<Result<Empty>>;
}

export interface CardResource {
  /**
   * Read a customer's card: `GET /v1/customers/{customer_id}/card`.
   *
   * What is kept of the card: never its number. Only the customer can save one, behind the `card_url` of
   * *Retrieve a customer*.
   *
   * @throws {CustomerNotFoundError}
   * @throws {CardNotFoundError}
   */
  retrieve(customer_id: string, options?: RequestOptions): Promise<Result<Card>>;
  /**
   * Remove a card: `DELETE /v1/customers/{customer_id}/card`.
   *
   * Removes the card, here and at its provider. The event `customer.updated` tells of it.
   *
   * @throws {CustomerNotFoundError}
   * @throws {CardNotFoundError}
   * @throws {PreconditionFailedError}
   */
  del(customer_id: string, options?: RequestOptions & Conditional): Promise<Result<Empty>>;
}

export interface EventsResource {
  /**
   * Read events: `GET /v1/events`.
   *
   * The events of all customers, or of one, oldest first. Whoever reads on after the last one that he has seen
   * misses none. A key with the scope `read` sees no tokens.
   */
  list(params?: EventsListParams, options?: RequestOptions): List<StoredEvent, EventsListParams>;
  /**
   * Follow events: `GET /v1/events/stream`.
   *
   * Events as they come, as Server-Sent Events: `event` is the type, `id` the event's id and `data` the event,
   * on one line. A client that comes back sends the last id that it has seen as `Last-Event-ID`, as browsers do.
   */
  stream(params?: EventsStreamParams, options?: RequestOptions): AsyncGenerator<StoredEvent, void, void>;
  /**
   * Read an event: `GET /v1/events/{event_id}`.
   *
   * One event.
   *
   * @throws {EventNotFoundError}
   */
  retrieve(event_id: string, options?: RequestOptions): Promise<Result<StoredEvent>>;
}

export interface WebhookEndpointsResource {
  /**
   * List webhook endpoints: `GET /v1/webhook_endpoints`.
   *
   * All endpoints: there are 100 at most.
   */
  list(options?: RequestOptions): List<WebhookEndpoint>;
  /**
   * Make a webhook endpoint: `POST /v1/webhook_endpoints`.
   *
   * Makes an endpoint, which gets the events from now on, and shows the secret that signs them, this once.
   *
   * @throws {TooManyWebhookEndpointsError}
   */
  create(params: WebhookEndpointsCreateParams, options?: RequestOptions & Repeatable): Promise<Result<WebhookEndpointWithSecret>>;
  /**
   * Read a webhook endpoint: `GET /v1/webhook_endpoints/{endpoint_id}`.
   *
   * One endpoint, without its secret.
   *
   * @throws {WebhookEndpointNotFoundError}
   */
  retrieve(endpoint_id: string, options?: RequestOptions): Promise<Result<WebhookEndpoint>>;
  /**
   * Change a webhook endpoint: `PATCH /v1/webhook_endpoints/{endpoint_id}`.
   *
   * Changes the members that are there; disables or enables it.
   *
   * @throws {WebhookEndpointNotFoundError}
   */
  update(endpoint_id: string, params?: WebhookEndpointsUpdateParams, options?: RequestOptions): Promise<Result<WebhookEndpoint>>;
  /**
   * Remove a webhook endpoint: `DELETE /v1/webhook_endpoints/{endpoint_id}`.
   *
   * Removes the endpoint and its deliveries.
   *
   * @throws {WebhookEndpointNotFoundError}
   */
  del(endpoint_id: string, options?: RequestOptions): Promise<Result<Empty>>;
  /**
   * Give a webhook endpoint a new secret: `POST /v1/webhook_endpoints/{endpoint_id}/rotate_secret`.
   *
   * Makes a new secret and shows it, this once. For 24 hours the old one signs too.
   *
   * @throws {WebhookEndpointNotFoundError}
   */
  rotate_secret(endpoint_id: string, options?: RequestOptions & Repeatable): Promise<Result<WebhookEndpointWithSecret>>;
  /** The same as `rotate_secret`. */
  rotateSecret: this['rotate_secret'];
  /**
   * Try a webhook endpoint: `POST /v1/webhook_endpoints/{endpoint_id}/test`.
   *
   * Sends an event of the type `ping` at once and says what the endpoint answered, or why it did not.
   *
   * @throws {WebhookEndpointNotFoundError}
   */
  test(endpoint_id: string, options?: RequestOptions & Repeatable): Promise<Result<TestOutcome>>;
  /**
   * Deliver all events again since a time: `POST /v1/webhook_endpoints/{endpoint_id}/replay`.
   *
   * Queues a new delivery of each event since then that the endpoint takes.
   *
   * @throws {WebhookEndpointNotFoundError}
   */
  replay(endpoint_id: string, params: WebhookEndpointsReplayParams, options?: RequestOptions & Repeatable): Promise<Result<Replay>>;
  /**
   * List a webhook endpoint's deliveries: `GET /v1/webhook_endpoints/{endpoint_id}/deliveries`.
   *
   * Deliveries, newest first, each with its tries.
   *
   * @throws {WebhookEndpointNotFoundError}
   */
  list_deliveries(endpoint_id: string, params?: WebhookEndpointsListDeliveriesParams, options?: RequestOptions): List<Delivery, WebhookEndpointsListDeliveriesParams>;
  /** The same as `list_deliveries`. */
  listDeliveries: this['list_deliveries'];
  /**
   * Deliver an event again: `POST /v1/webhook_endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver`.
   *
   * Queues a new delivery of the same event to the same endpoint, outside of the order of its customer.
   *
   * @throws {CustomerNotFoundError}
   * @throws {WebhookEndpointNotFoundError}
   * @throws {DeliveryNotFoundError}
   */
  redeliver(endpoint_id: string, delivery_id: string, options?: RequestOptions & Repeatable): Promise<Result<Delivery>>;
}

export interface HealthResource {
  /**
   * See whether the process answers: `GET /healthz`.
   *
   * For whatever restarts the process when it does not.
   */
  live(options?: RequestOptions): Promise<Result<Health>>;
  /**
   * See whether requests can be served: `GET /readyz`.
   *
   * Whether the database answers and its schema is this release's: for whatever sends requests here.
   */
  ready(options?: RequestOptions): Promise<Result<Health>>;
}

/** What the service refuses with, as far as this client knows. */
export type ErrorCode =
  | 'already_confirmed'
  | 'idempotency_in_progress'
  | 'customer_not_found'
  | 'address_not_found'
  | 'route_not_found'
  | 'card_not_found'
  | 'pending_phone_number_not_found'
  | 'webhook_endpoint_not_found'
  | 'delivery_not_found'
  | 'event_not_found'
  | 'forbidden'
  | 'headers_too_large'
  | 'too_many_webhook_endpoints'
  | 'internal_error'
  | 'invalid_parameters'
  | 'confirmation_token_invalid'
  | 'confirmation_token_expired'
  | 'idempotency_key_reused'
  | 'malformed_request'
  | 'payload_too_large'
  | 'phone_number_taken'
  | 'customer_id_taken'
  | 'precondition_failed'
  | 'rate_limited'
  | 'request_timeout'
  | 'resend_too_soon'
  | 'too_many_attempts'
  | 'unauthorized'
  | 'unavailable'
  | 'unsupported_media_type';

/** The customer is confirmed already. */
export class AlreadyConfirmedError extends ApiError {
  readonly code: 'already_confirmed';
}

/** The first request with this idempotency key is under way. */
export class IdempotencyInProgressError extends ApiError {
  readonly code: 'idempotency_in_progress';
}

/** There is no such customer. */
export class CustomerNotFoundError extends ApiError {
  readonly code: 'customer_not_found';
}

/** The customer has no such address. */
export class AddressNotFoundError extends ApiError {
  readonly code: 'address_not_found';
}

/** There is nothing at this address. */
export class RouteNotFoundError extends ApiError {
  readonly code: 'route_not_found';
}

/** The customer has no card. */
export class CardNotFoundError extends ApiError {
  readonly code: 'card_not_found';
}

/** No other phone number is pending. */
export class PendingPhoneNumberNotFoundError extends ApiError {
  readonly code: 'pending_phone_number_not_found';
}

/** There is no such webhook endpoint. */
export class WebhookEndpointNotFoundError extends ApiError {
  readonly code: 'webhook_endpoint_not_found';
}

/** There is no such delivery. */
export class DeliveryNotFoundError extends ApiError {
  readonly code: 'delivery_not_found';
}

/** There is no such event. */
export class EventNotFoundError extends ApiError {
  readonly code: 'event_not_found';
}

/** The API key does not allow this. */
export class ForbiddenError extends ApiError {
  readonly code: 'forbidden';
}

/** The headers are too large. */
export class HeadersTooLargeError extends ApiError {
  readonly code: 'headers_too_large';
}

/** There are as many webhook endpoints as there may be. */
export class TooManyWebhookEndpointsError extends ApiError {
  readonly code: 'too_many_webhook_endpoints';
}

/** The service has a defect. */
export class InternalErrorError extends ApiError {
  readonly code: 'internal_error';
}

/** Some parameters are invalid. */
export class InvalidParametersError extends ApiError {
  readonly code: 'invalid_parameters';
}

/** The confirmation token is wrong. */
export class ConfirmationTokenInvalidError extends ApiError {
  readonly code: 'confirmation_token_invalid';
}

/** The confirmation token has expired. */
export class ConfirmationTokenExpiredError extends ApiError {
  readonly code: 'confirmation_token_expired';
}

/** The idempotency key was used for another request. */
export class IdempotencyKeyReusedError extends ApiError {
  readonly code: 'idempotency_key_reused';
}

/** The request cannot be read. */
export class MalformedRequestError extends ApiError {
  readonly code: 'malformed_request';
}

/** The body is too large. */
export class PayloadTooLargeError extends ApiError {
  readonly code: 'payload_too_large';
}

/** The phone number belongs to another customer. */
export class PhoneNumberTakenError extends ApiError {
  readonly code: 'phone_number_taken';
}

/** The customer id is in use. */
export class CustomerIdTakenError extends ApiError {
  readonly code: 'customer_id_taken';
}

/** The customer is at another revision. */
export class PreconditionFailedError extends ApiError {
  readonly code: 'precondition_failed';
}

/** There are too many requests. */
export class RateLimitedError extends ApiError {
  readonly code: 'rate_limited';
}

/** The request did not arrive in time. */
export class RequestTimeoutError extends ApiError {
  readonly code: 'request_timeout';
}

/** It is too soon for another token. */
export class ResendTooSoonError extends ApiError {
  readonly code: 'resend_too_soon';
}

/** There were too many wrong tokens. */
export class TooManyAttemptsError extends ApiError {
  readonly code: 'too_many_attempts';
}

/** A valid API key is needed. */
export class UnauthorizedError extends ApiError {
  readonly code: 'unauthorized';
}

/** The service cannot answer right now. */
export class UnavailableError extends ApiError {
  readonly code: 'unavailable';
}

/** The body is not JSON. */
export class UnsupportedMediaTypeError extends ApiError {
  readonly code: 'unsupported_media_type';
}
