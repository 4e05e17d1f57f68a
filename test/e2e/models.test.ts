/**
 * A model from the hub in the editor: nothing is asked of the hub before a person agrees; then by the editor's proxy, with
 * progress and a way to stop, gone on with where it broke off. The hub and the proxy are on this machine.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after } from 'node:test';
import { type HubServer, startHub, startProxy } from '../support/hubServer';
import { flow, useWorld, type World } from '../support/editor/world';
import { eventually } from '../support/editor/workbench';
import { temporaryFolder, writeFiles } from '../support/temporaryFolder';
import { writeToyCheckpoint } from '../support/toyCheckpoint';

const name = 'BAAI/bge-small-en-v1.5';
const model = 'bge-small-en-v1.5';
let hub: HubServer;
let proxy: Awaited<ReturnType<typeof startProxy>>;
after(async () => {
  await hub?.stop();
  await proxy?.stop();
});
const source = temporaryFolder(after);

const world = useWorld({
  name: 'models',
  isIndexed: false,
  hasToyModels: true,
  async around() {
    hub = await startHub(writeToyCheckpoint(path.join(source, model), { seed: 9 }), name);
    proxy = await startProxy('user:secret');
    // A name that only the proxy knows: whoever goes past it finds nobody.
    const environment = { HF_ENDPOINT: `http://hub.test:${new URL(hub.endpoint).port}` };
    return {
      environment,
      settings: { 'http.proxy': `http://user:secret@127.0.0.1:${proxy.port}` },
    };
  },
  async fill({ workspace, dataFolder }) {
    writeFiles(workspace, { 'src/queue.ts': 'export const queue = [];\n' });
    await fs.promises.mkdir(dataFolder, { mode: 0o700 });
  },
});

flow('asks before anything is asked of the hub', world, async (here) => {
  const { window } = here;
  await window.statusReady.waitFor();
  await chooseModel(here);
  const dialog = window.message(`Download ${name} (133 MB, MIT)?`).first();
  await dialog.waitFor();
  assert.match(
    await dialog.innerText(),
    /It comes from http:\/\/hub\.test:\d+\. Nothing of yours is sent/,
  );
  await window.screenshot('40-asks-before-download');
  await window.answer('Cancel');
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual([hub.requests, proxy.asked], [[], []]);
});

flow('stops a download when asked to, and says what a refusal was', world, async (here) => {
  const { window } = here;
  hub.faults = ['stalls'];
  await download(here);
  const progress = window.message(`Downloading ${model}`).first();
  await eventually(
    () => Promise.resolve(hub.requests),
    (requests) => requests.some((request) => request.endsWith('.onnx')),
  );
  await eventually(
    () => progress.innerText(),
    (text) => /\d of \d+\.\d MB/.test(text),
  );
  await window.screenshot('41-downloading');
  await progress.hover();
  await progress.getByRole('button', { name: 'Cancel' }).first().click();
  await progress.waitFor({ state: 'detached' });
  assert.ok(!(await modelsOf(here)).includes(model));

  hub.faults = ['refuses'];
  await download(here);
  await window
    .message(/The hub refuses access \(403\)\. Accept the terms .+ HF_TOKEN/)
    .first()
    .waitFor();
  await window.screenshot('42-refused');
  assert.ok(!(await modelsOf(here)).includes(model));
});

flow('fetches by the proxy of the editor, goes on and uses the model', world, async (here) => {
  const { window } = here;
  hub.requests.length = 0;
  await download(here);
  await eventually(
    () => here.client().call('listModels', {}),
    (models) => models.some((each) => each.name === model && each.isInUse),
  );
  assert.ok(
    hub.requests.some((request) => / bytes=[1-9]\d*-$/.test(request)),
    `begun anew: ${hub.requests.join(', ')}`,
  );
  assert.ok(proxy.asked.length > 0 && proxy.asked.every((host) => host.includes('hub.test')));
  await window.openPanel();
  await window.search('queue');
  await window.hit('src/queue.ts:').waitFor();
  await window.command('Nearmiss: Choose Model');
  await eventually(
    () => window.rowNames(),
    (rows) => rows.some((row) => row.includes(model) && row.includes('in use')),
  );
  await window.screenshot('43-model-in-use');
  await window.closeQuickPick();
});

async function chooseModel({ window }: World): Promise<void> {
  await window.command('Nearmiss: Choose Model');
  const row = window.quickRows.filter({ hasText: model }).first();
  await row.waitFor();
  await window.screenshot('40-choose-model');
  assert.match((await row.getAttribute('aria-label')) ?? '', /English, 133 MB, MIT/);
  await row.click();
}

async function download(here: World): Promise<void> {
  await chooseModel(here);
  await here.window.message(`Download ${name}`).first().waitFor();
  await here.window.answer('Download');
}

async function modelsOf(here: World): Promise<string[]> {
  return (await here.client().call('listModels', {})).map((each) => each.name);
}
