/** What lives beside the window: the engine that dies and comes back, and the one that two windows share. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { productProcesses } from '../support/processes';
import { killEngine } from '../support/product';
import { flow, useWorld } from '../support/editor/world';
import { eventually } from '../support/editor/workbench';

const query = 'remove a class from every selected element';
const world = useWorld({ name: 'lives', isIndexed: true });

flow(
  'says that the engine ended, starts it again and answers',
  world,
  async ({ window, dataFolder }) => {
    await window.openPanel();
    await window.statusReady.waitFor();
    await window.box.fill(query);
    await killEngine(dataFolder);
    await window
      .message(/engine ended/)
      .first()
      .waitFor();
    await window.screenshot('09-engine-killed');
    await window.hit('cheerio/api/attributes.ts:').waitFor();
    await window.settled();
    assert.ok(
      productProcesses(dataFolder).some(({ command }) => command.includes('dist/engine.js')),
    );
    await window.screenshot('09-engine-back');
  },
);

flow('says that the folder is gone, and takes it back when it is there', world, async (here) => {
  const { window, workspace, folder } = here;
  const away = path.join(folder, 'renamed');
  fs.renameSync(workspace, away);
  await window.insist('the panel says that the folder is gone', {
    act: () => window.search('parse options of the command line'),
    isDone: () => window.panel.getByText('There is no folder').first().isVisible(),
  });
  await window.screenshot('09-folder-renamed');
  fs.renameSync(away, workspace);
  await window.insist('hits are back', {
    act: () => window.search(query),
    isDone: async () => {
      const [first = ''] = await window.hitNames();
      const isGone = await window.panel.getByText('There is no folder').first().isVisible();
      return !isGone && first.startsWith('cheerio/api/attributes.ts:');
    },
  });
});

flow('serves two windows from one engine and shows marks in both', world, async (here) => {
  const [first, second] = [here.window, await here.openWindow()];
  await second.openPanel();
  await second.search(query);
  await first.search(query);
  const engines = productProcesses(here.dataFolder).filter(({ command }) =>
    command.includes('dist/engine.js'),
  );
  assert.equal(engines.length, 1);
  const hit = first.hits.nth(1);
  const place = /^[^\s,]+/.exec((await hit.getAttribute('aria-label')) ?? '')?.[0] ?? '';
  await hit.hover();
  await hit.getByRole('button', { name: 'Not relevant', exact: true }).click();
  await eventually(
    async () => (await second.hitNames()).slice(0, 5),
    (names) => names.length === 5 && !names.some((name) => name.startsWith(`${place},`)),
  );
  await second.screenshot('10-marked-in-the-other-window');
});
