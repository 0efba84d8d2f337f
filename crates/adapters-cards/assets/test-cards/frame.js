/* What the frames of the stand-in have in common: the talk with the page around them, and with the service. */
'use strict';

const page = {
  /* Only what comes from the page around this frame, and from this origin, is heard. */
  hear(listen) {
    window.addEventListener('message', (event) => {
      if (event.origin === location.origin && event.source === window.parent) listen(event.data ?? {});
    });
  },

  tell(message) {
    if (window.parent !== window) window.parent.postMessage(message, location.origin);
  },
};

/* Asks the service, and answers as Stripe.js does: with a setup intent or an error, never by throwing. */
const ask = async (path, body) => {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10000),
    });
    const answer = await response.json();
    return answer.error ? { error: answer.error } : { setupIntent: answer };
  } catch {
    const message = 'We could not reach the card service. Please try again.';
    return { error: { type: 'api_connection_error', message } };
  }
};
