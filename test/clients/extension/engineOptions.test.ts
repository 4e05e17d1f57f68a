/** How the extension starts the engine: where its data lies, on which runtime, within which limits. */
import assert from 'node:assert/strict';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { engineOptions } from '../../../src/clients/extension/engineOptions';
import { resolveDataFolder } from '../../../src/protocol/engineLock';

const initial = { dataFolder: '', memoryLimit: 2048, provider: 'auto', measuresAgain: true };
const installation = path.resolve('/opt/nearmiss');

test("runs the engine beside it on the editor's own runtime, without a report home", () => {
  const options = engineOptions(installation, initial);
  assert.equal(options.engineFile, path.join(installation, 'dist', 'engine.js'));
  assert.deepEqual(options.nodeArguments, ['--max-old-space-size=2048']);
  assert.deepEqual(options.engineArguments, []);
  assert.deepEqual(options.environment, {
    ELECTRON_RUN_AS_NODE: '1',
    ORT_DISABLE_TELEMETRY: '1',
    NODE_OPTIONS: undefined,
    VSCODE_INSPECTOR_OPTIONS: undefined,
  });
});

test('shares the data folder of the command line unless a setting names another', () => {
  const folderFor = (dataFolder: string): string =>
    engineOptions(installation, { ...initial, dataFolder }).dataFolder;
  assert.deepEqual(
    [folderFor(''), folderFor('~/index'), folderFor(path.resolve('/data/x'))],
    [resolveDataFolder(undefined), path.join(os.homedir(), 'index'), path.resolve('/data/x')],
  );
});

test('names a provider only where the user insists on one', () => {
  const { engineArguments } = engineOptions(installation, { ...initial, provider: 'cpu' });
  assert.deepEqual(engineArguments, ['--provider', 'cpu']);
});

test('says that nothing is to be measured by itself only where the user says so', () => {
  const { engineArguments } = engineOptions(installation, { ...initial, measuresAgain: false });
  assert.deepEqual(engineArguments, ['--no-measuring']);
});
