// The form of a card. The card is entered into a field that the provider's script puts here; the script has the interface
// of Stripe.js, of which no more is used than is needed.
//
// It runs on phones of 2020 (Safari 14), and so does without what came later.
(() => {
  'use strict';

  // How long the provider's script may take until the page says that it did not come, and how long an answer of ours may
  // until the form can be sent again, in milliseconds.
  const SCRIPT_PATIENCE = 10000;
  const ANSWER_PATIENCE = 20000;

  document.documentElement.classList.add('script');

  // Back from the bank: what came of it is asked for at once.
  document.querySelector('form#look[data-at-once]')?.submit();

  const form = document.getElementById('card');
  if (!form) return;
  const element = document.getElementById('element');
  const alert = document.getElementById('alert');
  const missing = document.getElementById('script-failed');
  const progress = document.getElementById('progress');
  const button = form.querySelector('button');
  const texts = document.getElementById('refusals').content;
  let provider;
  let sending = false;
  let patience;

  const say = (text) => {
    alert.querySelector('p').textContent = text;
    alert.hidden = text === '';
  };

  // What the page says of an error of the provider's. Its own words may be in another language, or for programmers.
  const textOf = (error) => {
    const codes = [error?.decline_code, error?.code, 'other'];
    const known = codes.map((code) => code && texts.querySelector(`[data-code="${CSS.escape(code)}"]`));
    return known.find(Boolean).textContent;
  };

  const start = () => {
    const stripe = window.Stripe(form.dataset.key, { locale: document.documentElement.lang });
    const style = getComputedStyle(element);
    const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const card = stripe.elements().create('card', {
      hidePostalCode: true,
      style: {
        base: {
          color: color('--ink'),
          iconColor: color('--soft'),
          fontFamily: style.fontFamily,
          fontSize: '16px',
          lineHeight: '28px',
          '::placeholder': { color: color('--soft') },
        },
        invalid: { color: color('--bad'), iconColor: color('--bad') },
      },
    });
    element.textContent = '';
    element.classList.remove('loading');
    card.mount(element);
    // Some scripts tell that something changed, and not what.
    card.on('change', (event) => {
      element.parentElement.classList.toggle('wrong', Boolean(event?.error));
      say(event?.error ? textOf(event.error) : '');
    });
    return { stripe, card };
  };

  const busy = (is) => {
    clearTimeout(patience);
    sending = is;
    // Not `disabled`, which would lose the focus.
    button.setAttribute('aria-disabled', String(is || !provider));
    progress.textContent = is ? form.dataset.busy : '';
  };

  // Without the provider there is nothing to be filled in.
  const miss = (is) => {
    form.hidden = is;
    missing.hidden = !is;
  };

  // The provider's script is waited for by this one, and not by the page: it may be slow, or never come.
  const load = () => {
    const script = document.createElement('script');
    const late = setTimeout(() => miss(true), SCRIPT_PATIENCE);
    script.addEventListener('error', () => {
      clearTimeout(late);
      miss(true);
    });
    script.addEventListener('load', () => {
      clearTimeout(late);
      // Shown first: a field that is not shown has no size.
      miss(false);
      try {
        provider = start();
      } catch {
        // It is something else, or does not work here.
        miss(true);
        return;
      }
      busy(false);
    });
    script.src = form.dataset.script;
    document.head.append(script);
  };

  const stop = (text) => {
    busy(false);
    element.parentElement.classList.add('wrong');
    say(text);
    provider.card.focus?.();
  };

  // Leaves for what the service says now. That may not come, or be stopped by the customer, of which no script is told.
  const leave = () => {
    patience = setTimeout(() => stop(textOf({ code: 'network' })), ANSWER_PATIENCE);
    form.submit();
  };

  const ask = async (body) => {
    const waiting = new AbortController();
    const late = setTimeout(() => waiting.abort(), ANSWER_PATIENCE);
    try {
      // Not `form.action`: that is the field of this name.
      const answer = await fetch(form.getAttribute('action'), { method: 'POST', body, signal: waiting.signal });
      return { status: answer.status, page: new DOMParser().parseFromString(await answer.text(), 'text/html') };
    } finally {
      clearTimeout(late);
    }
  };

  // What the provider needs to confirm a card; none where the answer was another page, which is then shown or told of.
  const begin = async () => {
    const body = new URLSearchParams(new FormData(form));
    body.set('action', 'begin');
    const { status, page } = await ask(body);
    const fresh = page.getElementById('card');
    if (fresh?.dataset.clientSecret) return fresh.dataset.clientSecret;
    if (fresh || status === 429 || status >= 500) {
      // To be tried again, with what was typed.
      const told = page.querySelector('#alert:not([hidden]) p') ?? page.querySelector('main p');
      stop(told?.textContent ?? textOf());
    } else {
      // There is nothing to enter any more: a card is there already, or the link is over. The page says which.
      leave();
    }
    return undefined;
  };

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (sending || !provider) return;
    say('');
    element.parentElement.classList.remove('wrong');
    busy(true);
    let secret;
    try {
      secret = await begin();
    } catch {
      stop(textOf({ code: 'network' }));
      return;
    }
    if (!secret) return;
    let error;
    try {
      ({ error } = await provider.stripe.confirmCardSetup(secret, { payment_method: { card: provider.card } }));
    } catch {
      error = { code: 'network' };
    }
    // In another window the same card may have been confirmed.
    if (error && error.setup_intent?.status !== 'succeeded') {
      stop(textOf(error.type === 'api_connection_error' ? { code: 'network' } : error));
      return;
    }
    leave();
  });

  // A page that is shown again by "back" is to be used again.
  window.addEventListener('pageshow', ({ persisted }) => {
    if (persisted) busy(false);
  });

  busy(false);
  load();
})();
