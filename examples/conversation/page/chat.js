// The page: shows what is said, and says what is typed.
'use strict';

const messages = document.getElementById('messages');
const problem = document.getElementById('problem');
const form = document.getElementById('say');
const input = document.getElementById('text');

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function show({ from, text, links = [], choices = [] }) {
  // What can be chosen can be chosen until something else is said.
  for (const old of messages.querySelectorAll('button')) old.remove();
  const pages = links.map(({ label, url }) =>
    element('a', { href: url, target: '_blank', rel: 'noreferrer', textContent: label }),
  );
  const buttons = choices.map(choice => element('button', { type: 'button', textContent: choice, onclick: () => say(choice) }));
  messages.append(element('li', { className: from }, element('p', { textContent: text }), ...pages, ...buttons));
  messages.lastElementChild.scrollIntoView();
}

async function say(text) {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch('/messages', { method: 'POST', headers, body: JSON.stringify({ text }) }).catch(() => ({}));
  // The bot was started anew, and has forgotten us.
  if (answer.status === 404) location.reload();
  problem.textContent = answer.ok ? '' : 'That was not heard. Please send it again.';
  problem.hidden = Boolean(answer.ok);
  return answer.ok;
}

form.addEventListener('submit', async event => {
  event.preventDefault();
  const text = input.value;
  input.value = '';
  if (!(await say(text)) && input.value === '') input.value = text;
  input.focus();
});

const stream = new EventSource('/messages');
// It comes back by itself, and hears everything from the beginning.
stream.onopen = () => messages.replaceChildren();
stream.onmessage = ({ data }) => show(JSON.parse(data));
input.focus();
