/** A workspace that lies on no disk: the panel says so, and nothing is promised. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after } from 'node:test';
import { packProbe } from '../support/editor/probe';
import { flow, useWorld } from '../support/editor/world';
import { temporaryFolder } from '../support/temporaryFolder';

const world = useWorld({
  name: 'virtual',
  isIndexed: false,
  hasToyModels: true,
  extensions: [packProbe(temporaryFolder(after))],
  opens: 'virtual.code-workspace',
  async fill({ workspace, dataFolder }) {
    await fs.promises.mkdir(dataFolder, { mode: 0o700 });
    const folders = [{ uri: 'nowhere:/cloud', name: 'cloud' }];
    const file = path.join(path.dirname(workspace), 'virtual.code-workspace');
    await fs.promises.writeFile(file, JSON.stringify({ folders }));
  },
});

flow('says that files which lie on no disk cannot be searched', world, async (here) => {
  const { window, dataFolder } = here;
  await window.openPanel();
  await window.panel.getByText('Not on a disk here').waitFor();
  await window.panel.getByText('This workspace is virtual').waitFor();
  await window.screenshot('36-virtual-workspace');
  assert.deepEqual(await window.hitNames(), []);
  const indexes = path.join(dataFolder, 'folders');
  assert.ok(!fs.existsSync(indexes) || fs.readdirSync(indexes).length === 0, 'an index was made');
});
