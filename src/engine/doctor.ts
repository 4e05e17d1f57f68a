/**
 * Looks at everything that can be wrong on a machine, a line each. With `fix`, what is a cache is repaired: a
 * stale lock goes, indexes of folders that are gone go, a damaged index or sidecar goes and is built anew.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { messageOf } from '../base/errors';
import { installationRoot, productVersion } from '../base/installation';
import { type Finding, lockPath, readLock } from '../protocol/engineLock';
import { PROTOCOL_VERSION } from '../protocol/methods';
import { sizeOf } from './clear';
import { checkIndexes } from './doctorIndexes';
import { checkMarks } from './doctorMarks';
import { activeCheckpoint } from './encoders/modelStore';
import { storedChoice } from './encoders/arithmetic';
import { readBundledCheckpoint } from './encoders/bundled';
import { runtimeVersion } from './encoders/providers';
import { loadRuntime } from './encoders/session';
import type { ProviderSetting } from './encoders/variant';
import type { DoctorOptions, Tell } from './findings';
import { isAnswering, removeStaleLock } from './lock';
import { ModelShelf } from './modelShelf';
import { readSettings } from './settings';
import { openDatabase } from './store/database';
import { hasHnsw } from './store/hnsw';

/** Below this an index cannot be written to its end. */
const tooLittleSpaceBytes = 50_000_000;
const scarceSpaceBytes = 1_000_000_000;
const oldestNode = [20, 19] as const;

/** Tells each finding as soon as it is made. A check that fails itself is a finding too. */
export async function runDoctor(options: DoctorOptions, tell: Tell): Promise<void> {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check(options, tell);
    } catch (error) {
      await tell({ level: 'fail', name, text: messageOf(error) });
    }
  }
}

const checks: Readonly<Record<string, (options: DoctorOptions, tell: Tell) => Promise<void>>> = {
  versions: (_options, tell) => tell(versions()),
  'data folder': (options, tell) => tell(dataFolder(options)),
  settings: async ({ dataFolder: folder }, tell) => {
    readSettings(folder);
    await tell({ level: 'ok', name: 'settings', text: 'Every setting is within its range' });
  },
  'disk space': ({ dataFolder: folder }, tell) => tell(diskSpace(folder)),
  SQLite: (_options, tell) => tell(sqlite()),
  'ONNX Runtime': (_options, tell) => tell(runtime()),
  hnswlib: (_options, tell) => tell(graphs()),
  watcher: (_options, tell) => tell(watcher()),
  models,
  provider,
  lock,
  indexes: checkIndexes,
  marks: checkMarks,
};

function versions(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isOld = major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1]);
  const text = `Nearmiss ${productVersion()}, protocol ${PROTOCOL_VERSION}, Node ${process.version}, ONNX Runtime ${runtimeVersion()}`;
  return isOld
    ? { level: 'fail', name: 'versions', text: `${text}; Node ${oldestNode.join('.')} is needed` }
    : { level: 'ok', name: 'versions', text };
}

function dataFolder({ dataFolder: folder, fix }: DoctorOptions): Finding {
  const name = 'data folder';
  if (!fs.existsSync(folder)) return { level: 'ok', name, text: `${folder} is not there yet` };
  fs.accessSync(folder, fs.constants.R_OK | fs.constants.W_OK);
  const isOpen = process.platform !== 'win32' && (fs.statSync(folder).mode & 0o077) !== 0;
  if (isOpen && fix) fs.chmodSync(folder, 0o700);
  const size = `${(sizeOf(folder) / 1e6).toFixed(1)} MB in ${folder}`;
  if (!isOpen) return { level: 'ok', name, text: size };
  return fix
    ? { level: 'ok', name, text: `${size}; it was open to other users and is closed now` }
    : { level: 'fail', name, text: `${size} is open to other users; --fix closes it` };
}

function diskSpace(folder: string): Finding {
  const name = 'disk space';
  const { bavail, bsize } = fs.statfsSync(existingAncestor(folder));
  const free = bavail * bsize;
  const text = `${(free / 1e9).toFixed(1)} GB free`;
  if (free < tooLittleSpaceBytes)
    return { level: 'fail', name, text: `${text}: too little to write an index; make room` };
  return { level: free < scarceSpaceBytes ? 'warn' : 'ok', name, text };
}

function existingAncestor(folder: string): string {
  return fs.existsSync(folder) ? folder : existingAncestor(path.dirname(folder));
}

function sqlite(): Finding {
  const database = openDatabase(':memory:', { isReadOnly: true });
  try {
    const fault = database.quickCheck();
    return fault === undefined
      ? { level: 'ok', name: 'SQLite', text: 'The native module loads' }
      : { level: 'fail', name: 'SQLite', text: fault };
  } finally {
    database.dispose();
  }
}

function runtime(): Finding {
  const names = loadRuntime()
    .listSupportedBackends()
    .map((backend) => backend.name);
  return {
    level: 'ok',
    name: 'ONNX Runtime',
    text: `The native module loads; it has ${names.join(', ')}`,
  };
}

function graphs(): Finding {
  return hasHnsw()
    ? { level: 'ok', name: 'hnswlib', text: 'The native module loads' }
    : {
        level: 'warn',
        name: 'hnswlib',
        text: 'Not built here: large folders are scanned exactly, slower',
      };
}

function watcher(): Finding {
  try {
    // Only to see whether it loads; indexing uses it in a process of its own.
    require('@parcel/watcher');
    return { level: 'ok', name: 'watcher', text: 'The native module loads' };
  } catch {
    return {
      level: 'warn',
      name: 'watcher',
      text: 'It does not load: folders are compared now and then instead of watched',
    };
  }
}

async function models({ dataFolder: folder }: DoctorOptions, tell: Tell): Promise<void> {
  const shelf = new ModelShelf({
    bundledModels: path.join(installationRoot(), 'models'),
    modelsFolder: path.join(folder, 'models'),
    probeFile: path.join(__dirname, 'probe.js'),
  });
  for (const { name, fingerprint, problem } of await shelf.verify()) {
    const text = problem ?? `sha256 ${fingerprint.slice(0, 12)} is right`;
    await tell({ level: problem === undefined ? 'ok' : 'fail', name: `model ${name}`, text });
  }
}

async function provider({ dataFolder: folder }: DoctorOptions, tell: Tell): Promise<void> {
  const modelsFolder = path.join(folder, 'models');
  const checkpoint =
    (await activeCheckpoint(modelsFolder)) ??
    (await readBundledCheckpoint(installationRoot(), 'bi-encoder'));
  const setting = readSettings(folder).provider as ProviderSetting;
  const choice = await storedChoice(checkpoint, { folder: modelsFolder, setting });
  const text = choice
    ? `${choice.arithmetic} on ${choice.provider}: ${choice.reason}`
    : 'Not measured yet: that happens with the first index';
  await tell({ level: 'ok', name: 'provider', text });
}

async function lock({ dataFolder: folder, fix }: DoctorOptions, tell: Tell): Promise<void> {
  const name = 'engine';
  if (!fs.existsSync(lockPath(folder))) {
    await tell({ level: 'ok', name, text: 'None is running' });
    return;
  }
  const owner = readLock(folder);
  if (owner && (await isAnswering(owner.socket))) {
    await tell({ level: 'ok', name, text: `Process ${owner.pid} serves this data folder` });
    return;
  }
  if (fix) removeStaleLock(folder, owner);
  const text = `The lock is of a process that is gone${fix ? '; removed' : '; --fix removes it, so does the next engine'}`;
  await tell({ level: fix ? 'ok' : 'warn', name, text });
}
