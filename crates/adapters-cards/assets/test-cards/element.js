/* The card is entered here and nowhere else. Its number and its security code stay in this frame: what is sent is the
   token that stands for a well-known test number, and the date. */
'use strict';

const TOKENS = {
  '4242424242424242': 'pm_card_visa',
  '4000056655665556': 'pm_card_visa_debit',
  '5555555555554444': 'pm_card_mastercard',
  '378282246310005': 'pm_card_amex',
  '4000002500003155': 'pm_card_authenticationRequiredOnSetup',
  '4000002760003184': 'pm_card_authenticationRequired',
  '4000000000000002': 'pm_card_chargeDeclined',
  '4000000000009995': 'pm_card_chargeDeclinedInsufficientFunds',
  '4000000000000069': 'pm_card_chargeDeclinedExpiredCard',
  '4000000000000127': 'pm_card_chargeDeclinedIncorrectCvc',
  '4000000000000119': 'pm_card_chargeDeclinedProcessingError',
};

const inputs = Object.fromEntries(['number', 'expiry', 'cvc'].map((id) => [id, document.getElementById(id)]));
const digits = (input) => input.value.replace(/\D/g, '');
const isAmex = () => /^3[47]/.test(digits(inputs.number));

/* Puts the separators in while the end is typed at; in the middle they would move the cursor. */
const separate = (input, format) => {
  if (input.selectionStart === input.value.length) input.value = format(digits(input), input.value);
};
const formatNumber = (text) =>
  isAmex()
    ? [text.slice(0, 4), text.slice(4, 10), text.slice(10, 15)].filter(Boolean).join(' ')
    : (text.slice(0, 19).match(/.{1,4}/g) ?? []).join(' ');
const formatExpiry = (text, typed) => {
  const whole = /^[2-9]/.test(text) || /^\s*\d\s*\//.test(typed) ? `0${text}` : text;
  /* A year that was pasted with its century. */
  const year = whole.length === 6 && whole.startsWith('20', 2) ? whole.slice(4) : whole.slice(2, 4);
  return whole.length > 2 || typed.includes('/') ? `${whole.slice(0, 2)} / ${year}` : whole;
};

const readExpiry = () => {
  const text = digits(inputs.expiry);
  return { month: Number(text.slice(0, 2)), year: 2000 + Number(text.slice(2, 4)), whole: text.length === 4 };
};

/* What is wrong with each field: `begun` is wrong however it goes on, the rest only lacks something. */
const problems = () => {
  const number = digits(inputs.number);
  const found = [];
  const tell = (field, begun, code, message) =>
    found.push({ field, begun, error: { type: 'validation_error', code, message } });
  if (!Object.hasOwn(TOKENS, number)) {
    if (number.length >= (isAmex() ? 15 : 16)) {
      tell('number', true, 'incorrect_number', 'This is not one of the test cards.');
    } else {
      tell('number', false, 'incomplete_number', 'Please enter the whole card number.');
    }
  }
  const { month, year, whole } = readExpiry();
  const now = new Date();
  if (digits(inputs.expiry).length >= 2 && (month < 1 || month > 12)) {
    tell('expiry', true, 'invalid_expiry_month', 'There is no such month.');
  } else if (!whole) {
    tell('expiry', false, 'incomplete_expiry', 'Please enter the whole expiry date.');
  } else if (year * 12 + month < now.getFullYear() * 12 + now.getMonth() + 1) {
    tell('expiry', true, 'invalid_expiry_year_past', 'The expiry date has passed.');
  }
  if (digits(inputs.cvc).length < (isAmex() ? 4 : 3)) {
    tell('cvc', false, 'incomplete_cvc', 'Please enter the whole security code.');
  }
  return found;
};

const mark = (wrong) => {
  for (const [field, input] of Object.entries(inputs)) {
    input.setAttribute('aria-invalid', String(wrong.some((problem) => problem.field === field)));
  }
};

const changed = () => {
  const found = problems();
  const wrong = found.filter((problem) => problem.begun);
  mark(wrong);
  page.tell({
    type: 'change',
    change: {
      complete: found.length === 0,
      empty: Object.values(inputs).every((input) => input.value === ''),
      error: wrong[0]?.error,
    },
  });
};

const confirm = async (clientSecret) => {
  const found = problems();
  mark(found);
  if (found.length > 0) {
    inputs[found[0].field].focus();
    return { error: found[0].error };
  }
  const { month, year } = readExpiry();
  const token = TOKENS[digits(inputs.number)];
  return ask('setups/confirm', { client_secret: clientSecret, token, exp_month: month, exp_year: year });
};

inputs.number.addEventListener('input', () => separate(inputs.number, formatNumber));
inputs.expiry.addEventListener('input', (event) => {
  if (!event.inputType?.startsWith('delete')) separate(inputs.expiry, formatExpiry);
});
for (const input of Object.values(inputs)) {
  input.addEventListener('input', changed);
  input.addEventListener('focus', () => page.tell({ type: 'focus' }));
  input.addEventListener('blur', () => page.tell({ type: 'blur' }));
}

/* The Enter key: the page's own form is what is sent. */
document.getElementById('card').addEventListener('submit', (event) => {
  event.preventDefault();
  page.tell({ type: 'submit' });
});

page.hear(async ({ type, id, clientSecret }) => {
  if (type === 'confirm') {
    page.tell({ type: 'answer', id, result: await confirm(clientSecret) });
  } else if (type === 'focus') {
    inputs.number.focus();
  } else if (type === 'clear') {
    for (const input of Object.values(inputs)) input.value = '';
    changed();
  }
});

new ResizeObserver(() => {
  page.tell({ type: 'height', height: Math.ceil(document.documentElement.getBoundingClientRect().height) });
}).observe(document.documentElement);
page.tell({ type: 'ready' });
