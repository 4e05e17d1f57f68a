/** What lives beside the window: the engine that dies and comes back. */
import assert from 'node:assert/strict';
import { productProcesses } from '../support/processes';
import { killEngine } from '../support/product';
import { flow, useWorld } from '../support/editor/world';

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
