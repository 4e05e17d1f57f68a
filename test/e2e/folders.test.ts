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
    const folders = ['pino', 'commander'].map((name) => ({ path: path.join(workspace, name) }));
    fs.writeFileSync(path.join(folder, 'two.code-workspace'), JSON.stringify({ folders }));
  },
});

flow('searches both folders in one list', world, async ({ window, dataFolder }) => {
  await window.openPanel();
  // Their passages are embedded anew below other names; words and rough meaning are enough here.
  await window.search('parse the options and write the output');
  await eventually(
    () => window.hitNames(),
    (hits) =>
      hits.length > 5 &&
      hits.some((name) => /, pino\b/.test(name)) &&
      hits.some((name) => /, commander\b/.test(name)),
  );
  await window.screenshot('11-two-folders');
  const indexed = fs.readdirSync(path.join(dataFolder, 'folders'));
  for (const name of ['pino-', 'commander-'])
    assert.ok(
      indexed.some((id) => id.startsWith(name)),
      `${name} in ${indexed.join()}`,
    );
});
