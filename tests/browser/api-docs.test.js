// The API's document and the pages that show it: a linter finds nothing, and everybody can read them.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { checkPage, DESKTOP, PHONE } from './support/browser.js';
import { remove, temporaryDirectory } from '../support/process.js';
import { browser, service, useBrowserAndService } from './support/world.js';

useBrowserAndService();

const run = promisify(execFile);
const redocly = path.join(path.dirname(createRequire(import.meta.url).resolve('@redocly/cli/package.json')), 'bin/cli.js');
const rules = fileURLToPath(new URL('../openapi/redocly.yaml', import.meta.url));

test('a linter finds nothing in the document', async () => {
  const directory = temporaryDirectory('openapi');
  const document = path.join(directory, 'openapi.json');
  writeFileSync(document, await (await fetch(service.url('/openapi.json'))).text());
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', CI: 'true' };
  const args = [redocly, 'lint', document, '--config', rules, '--format', 'json'];
  // It ends with 1 when it finds something: what that is stands in its output.
  const { stdout } = await run(process.execPath, args, { env, cwd: directory }).catch(error => error);
  const { totals, problems } = JSON.parse(stdout);
  const told = problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0].pointer}`);
  assert.deepEqual({ told, totals }, { told: [], totals: { errors: 0, warnings: 0, ignored: 0 } });
  remove(directory);
});

const looks = [
  { on: 'a phone', viewport: PHONE },
  { on: 'a desktop', viewport: DESKTOP },
  { on: 'a phone in the dark', viewport: PHONE, dark: true },
  { on: 'a desktop in the dark', viewport: DESKTOP, dark: true },
  { on: 'a phone without scripts', viewport: PHONE, javaScript: false },
];

for (const { on, ...look } of looks) {
  test(`the operations are there to read on ${on}`, async () => {
    const page = await browser.page(look);
    await page.goto(service.url('/docs'));
    await checkPage(page);
    await page.getByRole('link', { name: 'Create a customer', exact: true }).click();
    assert.equal(new URL(page.url()).hash, '#create_customer');
    const article = page.locator('#create_customer');
    assert.match(await article.textContent(), /curl -X POST/);
    const shown = await page.locator('article').evaluateAll(articles => articles.map(({ textContent }) => textContent));
    assert.ok(shown.length > 30);
    for (const text of shown) {
      assert.ok(text.includes('http://127.0.0.1:8080/') && text.includes("import dirtylemon from 'dirtylemon'"), text.slice(0, 80));
    }
  });

  test(`an error is explained on ${on}`, async () => {
    const page = await browser.page(look);
    await page.goto(service.url('/docs'));
    await page.getByRole('link', { name: 'invalid_parameters' }).first().click();
    assert.match(page.url(), /\/errors\/invalid_parameters$/);
    assert.ok(await page.getByRole('table').isVisible());
    await checkPage(page);
  });
}
