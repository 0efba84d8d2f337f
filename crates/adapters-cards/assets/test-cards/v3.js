/* A stand-in for Stripe.js, for a service that is only tried out. It has the part of that interface which the card
   page uses. The card is entered in a frame of its own; this script never sees it. */
(() => {
  'use strict';

  const base = new URL('.', document.currentScript.src);
  /* How long a frame may take to answer, in milliseconds. The customer's own time is not counted. */
  const PATIENCE = 15000;

  const unreachable = () => ({
    error: { type: 'api_connection_error', message: 'We could not reach the card service. Please try again.' },
  });

  /* A frame, and the talk with it: only what comes from that very frame and from this origin is heard. */
  class Frame {
    constructor(path, title, hear) {
      this.hear = hear;
      this.waiting = new Map();
      this.asked = 0;
      this.node = document.createElement('iframe');
      this.node.src = new URL(path, base).href;
      this.node.title = title;
      Object.assign(this.node.style, { display: 'block', inlineSize: '100%', border: '0', colorScheme: 'inherit' });
      this.listen = (event) => {
        if (event.origin !== base.origin || event.source !== this.node.contentWindow) return;
        const message = event.data ?? {};
        if (message.type === 'answer') {
          this.settle(message.id, message.result);
        } else {
          this.hear(message);
        }
      };
      window.addEventListener('message', this.listen);
    }

    send(message) {
      this.node.contentWindow?.postMessage(message, base.origin);
    }

    ask(message, patience) {
      const id = (this.asked += 1);
      return new Promise((resolve) => {
        const timer = patience ? setTimeout(() => this.settle(id, unreachable()), patience) : undefined;
        this.waiting.set(id, (result) => {
          clearTimeout(timer);
          resolve(result);
        });
        this.send({ ...message, id });
      });
    }

    settle(id, result) {
      const waiting = this.waiting.get(id);
      this.waiting.delete(id);
      waiting?.(result);
    }

    remove() {
      window.removeEventListener('message', this.listen);
      this.node.remove();
      for (const id of [...this.waiting.keys()]) this.settle(id, unreachable());
    }
  }

  class CardElement {
    constructor() {
      this.listeners = new Map();
    }

    mount(where) {
      const place = typeof where === 'string' ? document.querySelector(where) : where;
      if (!(place instanceof Element)) throw new Error('There is nowhere to mount the card element.');
      this.unmount();
      this.place = place;
      this.frame = new Frame('element', 'Test card', (message) => this.hear(message));
      this.frame.node.style.blockSize = '12rem';
      place.classList.add('StripeElement');
      place.replaceChildren(this.frame.node);
    }

    hear({ type, height, change }) {
      const mark = (name, is) => this.place.classList.toggle(`StripeElement--${name}`, is);
      switch (type) {
        case 'ready':
          this.tell('ready', {});
          break;
        case 'height':
          if (Number.isFinite(height)) this.frame.node.style.blockSize = `${height}px`;
          break;
        case 'change':
          mark('complete', change.complete);
          mark('empty', change.empty);
          mark('invalid', Boolean(change.error));
          this.tell('change', change);
          break;
        case 'focus':
        case 'blur':
          mark('focus', type === 'focus');
          this.tell(type, {});
          break;
        case 'submit':
          this.place.closest('form')?.requestSubmit();
          break;
      }
    }

    tell(type, details) {
      for (const listener of this.listeners.get(type) ?? []) listener({ elementType: 'card', ...details });
    }

    on(type, listener) {
      this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
      return this;
    }

    focus() {
      this.frame?.node.focus();
      this.frame?.send({ type: 'focus' });
    }

    clear() {
      this.frame?.send({ type: 'clear' });
    }

    unmount() {
      this.frame?.remove();
      this.frame = undefined;
      this.place?.classList.remove(
        'StripeElement',
        ...['complete', 'empty', 'invalid', 'focus'].map((name) => `StripeElement--${name}`),
      );
    }

    destroy() {
      this.unmount();
      this.listeners.clear();
    }
  }

  /* The bank's question, over the whole page. */
  const challenge = async (clientSecret) => {
    const dialog = document.createElement('dialog');
    dialog.setAttribute('aria-label', 'Your bank asks');
    Object.assign(dialog.style, {
      boxSizing: 'border-box',
      inlineSize: '100%',
      blockSize: '100%',
      maxInlineSize: 'none',
      maxBlockSize: 'none',
      margin: '0',
      padding: '0',
      border: '0',
    });
    try {
      return await new Promise((resolve) => {
        const frame = new Frame('challenge', 'Test authentication', ({ type }) => {
          if (type === 'ready') frame.ask({ type: 'begin', clientSecret }).then(finish);
        });
        const finish = (result) => {
          frame.remove();
          resolve(result);
        };
        frame.node.style.blockSize = '100%';
        /* The Escape key, where it reaches the page: the customer did not prove anything. */
        dialog.addEventListener('cancel', (event) => {
          event.preventDefault();
          frame.send({ type: 'fail' });
        });
        dialog.addEventListener('close', () => finish(unreachable()));
        dialog.append(frame.node);
        document.body.append(dialog);
        dialog.showModal();
      });
    } finally {
      dialog.close();
      dialog.remove();
    }
  };

  window.Stripe = () => ({
    elements: () => ({
      create(type) {
        if (type !== 'card') throw new Error(`There is no element of the type ${type} here.`);
        return new CardElement();
      },
    }),

    async confirmCardSetup(clientSecret, data) {
      const card = data?.payment_method?.card;
      if (!(card instanceof CardElement) || !card.frame) throw new Error('The card element is not mounted.');
      const result = await card.frame.ask({ type: 'confirm', clientSecret }, PATIENCE);
      return result.setupIntent?.status === 'requires_action' ? challenge(clientSecret) : result;
    },
  });
})();
