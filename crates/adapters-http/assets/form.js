// The form of an address, made quicker where there is JavaScript: the fields follow the country at once, what was wrong is
// forgotten as it is corrected, and nothing is sent twice. Without it the form works all the same.
//
// It runs on phones of 2020 (Safari 14), and so does without what came later.
(() => {
  'use strict';

  // How long an answer may take until the form can be sent again, in milliseconds.
  const PATIENCE = 20000;

  document.documentElement.classList.add('script');
  const form = document.getElementById('address');
  if (!form) return;
  const country = document.getElementById('country');
  const progress = document.getElementById('progress');
  let asked;
  let patience;

  // The fields that the country's addresses do not have are in the way unless something stands in them.
  const hideUnused = () => {
    for (const row of form.querySelectorAll('.unused')) {
      row.classList.toggle('empty', row.querySelector('input').value.trim() === '');
    }
  };

  const inputs = () => [...form.querySelectorAll('#fields input')];

  // Takes the fields of another country over. What is typed meanwhile stays, and so does the focus.
  const swap = (fresh) => {
    const typed = new Map(inputs().map((input) => [input.name, input.value]));
    const focused = document.activeElement;
    const inFields = focused instanceof HTMLInputElement && focused.closest('#fields') !== null;
    const [start, end] = inFields ? [focused.selectionStart, focused.selectionEnd] : [];
    for (const input of fresh.querySelectorAll('input')) {
      input.value = typed.get(input.name) ?? input.value;
      input.autofocus = false;
    }
    document.getElementById('fields').replaceWith(document.adoptNode(fresh));
    document.getElementById('errors')?.remove();
    hideUnused();
    if (inFields) {
      const again = document.getElementById(focused.id);
      again.focus();
      again.setSelectionRange(start, end);
    }
  };

  country.addEventListener('change', async () => {
    const filled = new URLSearchParams(new FormData(form));
    filled.set('action', 'country');
    // Of two answers the later question's counts.
    asked?.abort();
    asked = new AbortController();
    try {
      // Not `form.action`: that is the buttons of this name.
      const answer = await fetch(form.getAttribute('action'), { method: 'POST', body: filled, signal: asked.signal });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.getElementById('fields');
      if (fresh && page.getElementById('country').value === country.value) swap(fresh);
    } catch {
      // The fields stay as they are: the address can be saved with them too.
    }
  });

  form.addEventListener('input', ({ target }) => {
    const field = target.closest('.wrong');
    if (!field) return;
    field.classList.remove('wrong');
    field.querySelector('.error')?.remove();
    target.removeAttribute('aria-invalid');
    const hint = field.querySelector('.hint');
    if (hint) target.setAttribute('aria-describedby', hint.id);
    else target.removeAttribute('aria-describedby');
    document.querySelector(`#errors a[href="#${target.id}"]`)?.closest('li').remove();
    if (!document.querySelector('#errors li')) document.getElementById('errors')?.remove();
  });

  const unlock = () => {
    clearTimeout(patience);
    delete form.dataset.sent;
    progress.textContent = '';
    for (const button of form.querySelectorAll('button[aria-disabled]')) {
      button.removeAttribute('aria-disabled');
      button.textContent = button.dataset.label;
    }
  };

  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = 'yes';
    const save = document.getElementById('save');
    const button = (event.submitter?.value ?? 'save') === 'save' ? save : event.submitter;
    // Not `disabled`: a disabled button is not sent, and loses the focus.
    button.setAttribute('aria-disabled', 'true');
    button.dataset.label = button.textContent;
    button.textContent = form.dataset.busy;
    progress.textContent = form.dataset.busy;
    // It may stall, or be stopped by the customer, of which no script is told.
    patience = setTimeout(unlock, PATIENCE);
  });

  // A page that is shown again by "back" is to be used again.
  window.addEventListener('pageshow', ({ persisted }) => {
    if (persisted) unlock();
  });

  hideUnused();
})();
