/**
 * The folder the end-to-end tests search: sources, tests and manuals of packages that the lock file pins, some 270 files,
 * so that a change of ours never changes what the tests find. Embedding them takes minutes on two slow cores, so that is
 * done once and kept in an ignored folder; each test gets a copy of the files and of the data folder.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../../src/base/installation';
import { folderId, realFolder } from '../../../src/engine/dataFolder';
import { buildOf } from '../../../src/protocol/engineLock';
import { checkDone, runCli, stopEngine } from '../product';

/** Below node_modules: what goes in, under which name, and which of its files. */
const parts: readonly { readonly from: string; readonly as: string; readonly files: RegExp }[] = [
  { from: 'cheerio/src', as: 'cheerio', files: /\.ts$/ },
  { from: 'pino/lib', as: 'pino', files: /\.js$/ },
  { from: 'commander/lib', as: 'commander', files: /\.js$/ },
  { from: 'undici/lib', as: 'undici', files: /^(?!llhttp).*\.js$/ },
  { from: 'undici/docs/docs', as: 'undici/docs', files: /\.md$/ },
  { from: 'zod/src/v4', as: 'zod', files: /^(?!locales).*\.ts$/ },
];
/** Longer files of the two large packages cost time and prove nothing more. */
const largestBytes = 10_000;

/** Copies the files, and nothing that git or the machine adds, to a folder that does not exist yet. */
export function copySample(target: string): void {
  const packages = path.join(installationRoot(), 'node_modules');
  for (const { from, as, files } of parts)
    for (const name of fs.readdirSync(path.join(packages, from), { recursive: true })) {
      const file = path.join(packages, from, String(name));
      const stat = fs.statSync(file);
      const isTooLong = /^(undici|zod)/.test(from) && stat.size > largestBytes;
      if (!stat.isFile() || isTooLong || !files.test(String(name))) continue;
      const copy = path.join(target, as, String(name));
      fs.mkdirSync(path.dirname(copy), { recursive: true });
      fs.copyFileSync(file, copy);
      // An index knows a file by its time: every copy has the same.
      fs.utimesSync(copy, sampleTime, sampleTime);
    }
}
const sampleTime = new Date('2026-01-01T00:00:00Z');

/** Copies a complete index of the sample to a data folder, for a workspace that holds a copy of the files. */
export async function copyIndexedData(target: string, workspace: string): Promise<void> {
  const { data, sample } = await indexedSample();
  moveIndex({ data, folder: sample }, target, workspace);
}

/** Copies what is known of the sample's passages, so that they are not embedded again wherever they turn up. */
export async function copyEmbeddings(target: string): Promise<void> {
  copyShared((await indexedSample()).data, target);
}

function copyShared(data: string, target: string): void {
  fs.mkdirSync(target, { recursive: true, mode: 0o700 });
  for (const name of ['embeddings.db', 'models'])
    fs.cpSync(path.join(data, name), path.join(target, name), { recursive: true });
}

/** Copies a folder's index to a data folder, for a copy of the folder. */
export function moveIndex(
  { data, folder }: { readonly data: string; readonly folder: string },
  target: string,
  workspace: string,
): void {
  const [oldId, id] = [folderId(realFolder(folder)), folderId(realFolder(workspace))];
  copyShared(data, target);
  const index = path.join(target, 'folders', id);
  fs.cpSync(path.join(data, 'folders', oldId), index, { recursive: true });
  const record = { id, folder: realFolder(workspace) };
  fs.writeFileSync(path.join(index, 'folder.json'), JSON.stringify(record), { mode: 0o600 });
}

/** The sample and its data folder in the cache, brought up to date. */
async function indexedSample(): Promise<{ readonly data: string; readonly sample: string }> {
  const root = installationRoot();
  const cache = path.join(root, '.cache/sample');
  const [data, draft, sample, state] = ['data', 'draft', 'files', 'state.json'].map((name) =>
    path.join(cache, name),
  ) as [string, string, string, string];
  fs.rmSync(draft, { recursive: true, force: true });
  copySample(draft);
  const wanted = JSON.stringify([
    sample,
    buildOf(path.join(root, 'dist/engine.js')),
    contentOf(draft),
  ]);
  if (fs.existsSync(state) && fs.readFileSync(state, 'utf8') === wanted) return { data, sample };
  fs.rmSync(state, { force: true });
  fs.rmSync(sample, { recursive: true, force: true });
  fs.renameSync(draft, sample);
  console.error('Indexing the sample folder, minutes when it is new');
  const args = ['index', sample, '--hurry', '--data', data];
  const indexed = await runCli(args, { timeoutMs: 1_200_000 });
  await stopEngine(data);
  checkDone(indexed);
  fs.writeFileSync(state, wanted);
  return { data, sample };
}

function contentOf(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true })
    .map(String)
    .sort()
    .map((name) => `${name} ${fs.statSync(path.join(folder, name)).size}`);
}
