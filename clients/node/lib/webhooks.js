// Webhooks: whether a request is the service's, by Standard Webhooks 1.0.0.
'use strict';

const { createHmac, timingSafeEqual } = require('node:crypto');
const { SignatureVerificationError } = require('./errors.js');
const { only } = require('./request.js');

/** How many seconds a request may be older or newer than now. */
const TOLERANCE = 300;
const KNOWN = { tolerance: value => typeof value === 'number' && value >= 0 };

/** The event of a request, when the request is genuine. */
function verify(rawBody, headers, secret, options = {}) {
  const { tolerance = TOLERANCE } = only(KNOWN, options, 'the options of webhooks.verify');
  const body = bytesOf(rawBody);
  const key = keyOf(secret);
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map(name => header(headers, `webhook-${name}`));
  if (!id || !timestamp || !signatures) refuse('it has not the headers webhook-id, webhook-timestamp and webhook-signature');
  if (!/^\d{1,15}$/.test(timestamp)) refuse('its webhook-timestamp is no time');
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= tolerance)) {
    refuse(`it was sent more than ${tolerance} seconds from now: it is old, or one of the clocks is wrong`);
  }
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  // While a secret is changed, the old one and the new one sign both.
  const isGenuine = signatures.split(' ').some(signature => {
    const [version, value = ''] = signature.split(',');
    const given = Buffer.from(value, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!isGenuine) refuse('none of its signatures was made with this secret, of this body');
  return JSON.parse(body.toString('utf8'));
}

function bytesOf(rawBody) {
  if (typeof rawBody === 'string' || rawBody instanceof ArrayBuffer) return Buffer.from(rawBody);
  if (rawBody instanceof Uint8Array) return Buffer.from(rawBody.buffer, rawBody.byteOffset, rawBody.byteLength);
  throw new TypeError('rawBody is the body as it arrived, a Buffer or a string: take it before any parser does');
}

function keyOf(secret) {
  const encoded = /^(?:whsec_)?([A-Za-z0-9+/]{16,}={0,2})$/.exec(String(secret ?? '').trim())?.[1];
  if (encoded === undefined) {
    throw new TypeError('secret is what the service showed when the endpoint was made, or its secret changed: whsec_…');
  }
  return Buffer.from(encoded, 'base64');
}

/** A header of Node's requests, of Fetch's, or of a framework that keeps the case or several values. */
function header(headers, name) {
  if (typeof headers?.get === 'function') return headers.get(name) ?? undefined;
  const [, value] = Object.entries(headers ?? {}).find(([given]) => given.toLowerCase() === name) ?? [];
  return Array.isArray(value) ? value[0] : value;
}

function refuse(why) {
  throw new SignatureVerificationError(`The request is not genuine: ${why}.`);
}

module.exports = { verify };
