/** Two folders in one window: an index each, one list of hits. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { flow, useWorld } from '../support/editor/world';
import { eventually } from '../support/editor/workbench';

const world = useWorld({
  name: 'folders',
  isIndexed: true,
  opens: 'two.code-workspace',
  prepare: ({ folder, workspace }) => {
    const folders = ['cheerio', 'undici'].map((name) => ({ path: path.join(workspace, name) }));
    fs.writeFileSync(path.join(folder, 'two.code-workspace'), JSON.stringify({ folders }));
  },
});

flow('searches both folders in one list', world, async ({ window, dataFolder }) => {
  await window.openPanel();
  await window.statusReady.waitFor();
  await window.search('read the body as a string of text');
  const names = await eventually(
    () => window.hitNames(),
    (hits) =>
      hits.some((name) => /, cheerio\b/.test(name)) && hits.some((name) => /, undici\b/.test(name)),
  );
  assert.ok(names.length > 5);
  await window.screenshot('11-two-folders');
  const indexed = fs.readdirSync(path.join(dataFolder, 'folders'));
  for (const name of ['cheerio-', 'undici-'])
    assert.ok(
      indexed.some((id) => id.startsWith(name)),
      `${name} in ${indexed.join()}`,
    );
});
