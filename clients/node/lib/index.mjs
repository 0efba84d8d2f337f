// Written by generate.js from the API's document: change that, and run it.

import Dirtylemon from './index.js';

export default Dirtylemon;
export { Dirtylemon };
export const {
  DirtylemonError,
  ApiError,
  ConfigurationError,
  ConnectionError,
  TimeoutError,
  SignatureVerificationError,
  AlreadyConfirmedError,
  IdempotencyInProgressError,
  CustomerNotFoundError,
  AddressNotFoundError,
  RouteNotFoundError,
  CardNotFoundError,
  PendingPhoneNumberNotFoundError,
  WebhookEndpointNotFoundError,
  DeliveryNotFoundError,
  EventNotFoundError,
  ForbiddenError,
  HeadersTooLargeError,
  TooManyWebhookEndpointsError,
  InternalErrorError,
  InvalidParametersError,
  ConfirmationTokenInvalidError,
  ConfirmationTokenExpiredError,
  IdempotencyKeyReusedError,
  MalformedRequestError,
  PayloadTooLargeError,
  PhoneNumberTakenError,
  CustomerIdTakenError,
  PreconditionFailedError,
  RateLimitedError,
  RequestTimeoutError,
  ResendTooSoonError,
  TooManyAttemptsError,
  UnauthorizedError,
  UnavailableError,
  UnsupportedMediaTypeError,
} = Dirtylemon;
