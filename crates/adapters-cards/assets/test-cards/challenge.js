/* The bank's question: the customer chooses how his authentication ends. */
'use strict';

const choices = { complete: document.getElementById('complete'), fail: document.getElementById('fail') };
let asked;

const enable = (may) => {
  for (const choice of Object.values(choices)) choice.disabled = !may;
};

const finish = async (outcome) => {
  if (!asked || choices[outcome].disabled) return;
  const { id, clientSecret } = asked;
  enable(false);
  page.tell({ type: 'answer', id, result: await ask('setups/authenticate', { client_secret: clientSecret, outcome }) });
};

for (const [outcome, choice] of Object.entries(choices)) choice.addEventListener('click', () => finish(outcome));
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') finish('fail');
});

page.hear(({ type, id, clientSecret }) => {
  if (type === 'begin') {
    asked = { id, clientSecret };
    enable(true);
    choices.complete.focus();
  } else if (type === 'fail') {
    finish('fail');
  }
});
page.tell({ type: 'ready' });
