// One Chromium for a test file, and what every page must hold.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

import { HtmlValidate } from 'html-validate';
import { chromium } from 'playwright-core';

import { starting } from '../../support/process.js';

export const PHONE = { width: 320, height: 568 };
export const DESKTOP = { width: 1280, height: 800 };

/** How long a page may take for a step, in milliseconds. */
const STEP = 15_000;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const html = new HtmlValidate({
  root: true,
  extends: ['html-validate:standard', 'html-validate:a11y', 'html-validate:document'],
  // Files of the same origin need no checksum, and Stripe changes its script as it likes.
  rules: { 'require-sri': 'off' },
});

/** What was seen of each page. */
const records = new WeakMap();

export const startBrowser = () => starting(launchBrowser());

async function launchBrowser() {
  const executablePath = process.env.TEST_CHROMIUM;
  if (!executablePath) throw new Error('TEST_CHROMIUM says no Chromium: run through scripts/with-tools, or set it');
  return new Browser(await chromium.launch({ executablePath, args: FLAGS }));
}

class Browser {
  #chromium;
  #contexts = [];

  constructor(chromium) {
    this.#chromium = chromium;
  }

  /**
   * A page in a context of its own, as a visitor who was never here would have it; `beside` another page, a tab of the same
   * visitor's. Playwright's `Page`.
   */
  async page({ viewport = PHONE, dark = false, javaScript = true, locale = 'en-CA', userAgent, beside } = {}) {
    if (beside) {
      const tab = await beside.context().newPage();
      await watch(tab, seen(beside).look);
      return tab;
    }
    const look = {
      viewport,
      locale,
      userAgent,
      javaScriptEnabled: javaScript,
      colorScheme: dark ? 'dark' : 'light',
      // Colours are looked at when no transition is on its way.
      reducedMotion: 'reduce',
    };
    const context = await this.#chromium.newContext(look);
    this.#contexts.push(context);
    context.setDefaultTimeout(STEP);
    const page = await context.newPage();
    await watch(page, look);
    return page;
  }

  /** Closes all pages: for `afterEach`. */
  async closePages() {
    await Promise.all(this.#contexts.splice(0).map(context => context.close()));
  }

  stop() {
    return this.#chromium.close();
  }
}

async function watch(page, look) {
  const record = { look, errors: [], violations: [], requests: [], sent: [], failures: [], document: undefined };
  records.set(page, record);
  page.on('pageerror', error => record.errors.push(String(error.stack ?? error)));
  page.on('console', message => {
    // Chromium tells of what failed in the same way, of the page itself too: those are recorded as failures.
    const ofFailure = message.text().startsWith('Failed to load resource: ');
    if (message.type() === 'error' && !ofFailure) record.errors.push(message.text());
  });
  page.on('request', request => {
    record.requests.push(request.url());
    record.sent.push([request.url(), JSON.stringify(request.headers()), request.postData() ?? ''].join('\n'));
  });
  page.on('requestfailed', request => {
    const { errorText } = request.failure();
    // What a new page makes an old one give up.
    if (errorText !== 'net::ERR_ABORTED') record.failures.push(`${request.method()} ${request.url()}: ${errorText}`);
  });
  page.on('response', response => {
    const request = response.request();
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) {
      // One that redirects, or is left at once, has no text; without content the page stays.
      const status = response.status();
      if (status !== 204 && (status < 300 || status >= 400)) record.document = response.text().catch(() => undefined);
    } else if (response.status() >= 400) {
      record.failures.push(`${request.method()} ${request.url()}: ${response.status()}`);
    }
  });
  // Also what only a policy that reports would forbid, and what no console tells.
  await page.exposeBinding('tellViolation', (_, violation) => record.violations.push(violation));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', event => {
      window.tellViolation(`${event.violatedDirective} ${event.blockedURI || 'inline'} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
}

/** What was seen of a page since it was made: `errors`, `violations`, `requests` (URLs), `sent` (with headers and bodies) and `failures`. */
export const seen = page => records.get(page);

/**
 * Holds over a page as it is now: axe and the HTML validator find nothing, it is not wider than its window, nothing was
 * refused by its policy, no script failed, and nothing was asked of others than the origin of the page and `origins`.
 * `failures` are patterns of requests that are to fail, such as `/confirm: 402/`.
 */
export async function checkPage(page, { origins = [], failures = [] } = {}) {
  await checkAccessibility(page);
  await checkHtml(page);
  await checkWidth(page);
  checkConduct(page, { origins, failures });
}

export async function checkAccessibility(page) {
  const { look } = seen(page);
  const { violations } = await (look.javaScriptEnabled ? runAxe(page) : runAxeOnTwin(page));
  const told = violations.map(({ id, help, nodes }) =>
    [`${id}: ${help}`, ...nodes.map(({ html, failureSummary }) => `  ${html}\n    ${failureSummary}`)].join('\n'),
  );
  assert.equal(told.join('\n'), '', `axe finds at ${page.url()}`);
}

async function runAxe(page) {
  // Scripts that the page loads are subject to its policy; those that come by the debugger are not.
  await Promise.all(page.frames().map(frame => frame.evaluate(axe)));
  return page.evaluate(() =>
    window.axe.run({ resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }),
  );
}

/** axe is a script: a page without scripts is copied, as it is shown, to one that has them. */
async function runAxeOnTwin(page) {
  const { look } = seen(page);
  const body = await page.evaluate(() => {
    const root = document.documentElement.cloneNode(true);
    root.querySelectorAll('script').forEach(script => script.remove());
    root.querySelectorAll('noscript').forEach(shown => shown.replaceWith(...shown.childNodes));
    return `<!DOCTYPE html>${root.outerHTML}`;
  });
  const context = await page.context().browser().newContext({ ...look, javaScriptEnabled: true });
  try {
    const twin = await context.newPage();
    await twin.route(page.url(), route => route.fulfill({ contentType: 'text/html; charset=utf-8', body }));
    await twin.goto(page.url());
    return await runAxe(twin);
  } finally {
    await context.close();
  }
}

export async function checkHtml(page) {
  const text = await seen(page).document;
  assert.ok(text, `no HTML was served for ${page.url()}`);
  const { results } = await html.validateString(text);
  const told = results.flatMap(({ messages }) =>
    messages.map(({ line, column, ruleId, message }) => `${line}:${column} ${ruleId}: ${message}`),
  );
  assert.equal(told.join('\n'), '', `html-validate finds at ${page.url()}`);
}

export async function checkWidth(page) {
  const { needed, there } = await page.evaluate(() => ({
    needed: document.documentElement.scrollWidth,
    there: document.documentElement.clientWidth,
  }));
  assert.ok(needed <= there, `${page.url()} is ${needed} px wide in a window of ${there} px`);
}

export function checkConduct(page, { origins = [], failures = [] } = {}) {
  const record = seen(page);
  const own = [new URL(page.url()).origin, ...origins];
  const elsewhere = record.requests.filter(url => /^https?:|^wss?:/.test(url) && !own.includes(new URL(url).origin));
  assert.deepEqual(
    {
      violations: record.violations,
      errors: record.errors,
      failures: record.failures.filter(failure => !failures.some(pattern => pattern.test(failure))),
      elsewhere,
    },
    { violations: [], errors: [], failures: [], elsewhere: [] },
    `the page ${page.url()} did what it must not`,
  );
}
