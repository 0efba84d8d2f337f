// The README, followed to the letter: its curl lines one after the other, and its JavaScript.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Console, steps } from '../support/console.js';
import { blocks } from '../support/document.js';
import { project } from '../support/package.js';
import { starting, stopAll } from '../support/process.js';
import { startService } from '../support/service.js';

after(stopAll);

test('every line of the README answers as it is shown', async () => {
  const service = await startService();
  const terminal = new Console();
  starting(Promise.resolve(terminal));
  const all = steps('README.md').filter(({ command }) => command);
  assert.ok(all.length >= 14, `${all.length} commands`);
  for (const step of all) {
    const printed = await terminal.follow(step, { host: new URL(service.origin).host, key: service.key });
    // What shows no answer is to be answered well all the same. Nobody has filled in the form of a card here.
    const isRefused = printed.includes('"/errors/') && !step.command.endsWith('/card');
    assert.ok(step.output !== '' || !isRefused, `${step.command}\n${printed}`);
  }
});

test('the JavaScript of the README runs as it is shown', async () => {
  const [service, bot] = await Promise.all([startService(), project()]);
  const programs = blocks('README.md').filter(({ language }) => language === 'js');
  assert.equal(programs.length, 1);
  bot.write('readme.mjs', programs[0].text);
  await bot.run('node', ['readme.mjs'], { DIRTYLEMON_API_KEY: service.key, DIRTYLEMON_BASE_URL: service.origin });
});
