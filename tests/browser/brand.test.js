// The operator's name, colour and logo on the pages, and what a page weighs.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { checkPage, DESKTOP, PHONE } from './support/browser.js';
import { fillAddress, MONTREAL } from './support/forms.js';
import { startService } from '../support/service.js';
import { openAddressForm as open, service, useBrowserAndService } from './support/world.js';

useBrowserAndService();

const save = page => page.getByRole('button', { name: 'Save address' }).click();

for (const color of ['#ffff00', '#101010']) {
  test(`the pages show a brand of the colour ${color}, readable by day and by night`, async () => {
    const logo = '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="100"><rect width="400" height="100" fill="red"/></svg>';
    const server = createServer((_, answer) => answer.writeHead(200, { 'Content-Type': 'image/svg+xml' }).end(logo));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${server.address().port}`;
    const branded = await startService({
      CUSTOMERS_BRAND_NAME: 'Dirty Lemon & Söhne <Montréal>',
      CUSTOMERS_BRAND_COLOR: color,
      CUSTOMERS_BRAND_LOGO_URL: `${origin}/logo.svg`,
    });
    try {
      const customer = await branded.customer();
      for (const look of [{ viewport: PHONE, dark: true }, { viewport: DESKTOP }]) {
        const page = await open(customer, look);
        const banner = page.getByRole('banner');
        assert.equal((await banner.textContent()).trim(), 'Dirty Lemon & Söhne <Montréal>');
        assert.match(await page.title(), /Dirty Lemon & Söhne <Montréal>/);
        const width = await banner.locator('img').evaluate(image => image.decode().then(() => image.naturalWidth));
        assert.equal(width, 400);
        const [red, green, blue] = color.slice(1).match(/../g).map(digits => parseInt(digits, 16));
        assert.equal(
          await page.getByRole('button', { name: 'Save address' }).evaluate(button => getComputedStyle(button).backgroundColor),
          `rgb(${red}, ${green}, ${blue})`,
        );
        await checkPage(page, { origins: [origin] });
        await fillAddress(page, { ...MONTREAL, postal_code: '' });
        await save(page);
        await page.getByRole('alert').waitFor();
        await checkPage(page, { origins: [origin] });
      }
    } finally {
      server.closeAllConnections();
      server.close();
      await branded.stop();
    }
  });
}

test('a first visit loads less than 50 KiB', async t => {
  const customer = await service.customer();
  const visits = [];
  for (let visit = 0; visit < 7; visit += 1) {
    const page = await open(customer);
    visits.push(
      await page.evaluate(() => {
        const [page] = performance.getEntriesByType('navigation');
        const loaded = [page, ...performance.getEntriesByType('resource')];
        return {
          bytes: loaded.map(({ name, transferSize }) => [new URL(name).pathname, transferSize]),
          ready: page.domInteractive,
          loaded: page.loadEventEnd,
        };
      }),
    );
    await page.context().close();
  }
  const median = key => visits.map(visit => visit[key]).sort((a, b) => a - b)[visits.length >> 1];
  const bytes = visits[0].bytes.map(([path, size]) => [path.replace(/^\/l\/.*/, '/l/…'), size]);
  t.diagnostic(`${JSON.stringify(Object.fromEntries(bytes))} bytes; interactive after ${median('ready')} ms, loaded after ${median('loaded')} ms`);
  assert.deepEqual(bytes.length, 3, 'the page, its look and its script');
  assert.ok(bytes.every(([, size]) => size > 0));
  assert.ok(bytes.reduce((sum, [, size]) => sum + size, 0) < 50 * 1024);
});
