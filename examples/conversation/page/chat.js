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
  problem.textContent = answer.ok ? '' : 'That was not heard. Please send it again.';
  problem.hidden = Boolean(answer.ok);
  // With the first word a conversation begins, or with the first after the bot has forgotten it.
  if (answer.status === 201) listen();
  return answer.ok;
}

form.addEventListener('submit', async event => {
  event.preventDefault();
  const text = input.value;
  input.value = '';
  if (!(await say(text)) && input.value === '') input.value = text;
  input.focus();
});

const [greeting] = messages.children;
let stream;

/** Hears everything from the beginning. It comes back by itself, and not where nothing was said yet. */
function listen() {
  stream?.close();
  stream = new EventSource('/messages');
  stream.onopen = () => messages.replaceChildren(greeting);
  stream.onmessage = ({ data }) => show(JSON.parse(data));
}

listen();
input.focus();
