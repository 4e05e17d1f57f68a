/** What doctor looks at in the data folder's indexes: each one's integrity, its sidecars, orphans, leftovers. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { systemCode } from '../base/errors';
import { readLock } from '../protocol/engineLock';
import { indexFolder, indexNames, savedFolder } from './dataFolder';
import type { DoctorOptions, Tell } from './findings';
import { readMeta } from './store/chunkTable';
import { openDatabase } from './store/database';
import { hasHnsw, loadHnsw, readDescription } from './store/hnsw';
import { folderFiles, removeIndexFiles } from './store/indexFiles';
import { checkIndex } from './store/store';
import { readVectorFile, type VectorFileOwner } from './store/vectorFile';

/** Every index, the shared file of embeddings, and what a crash may have left. */
export async function checkIndexes(options: DoctorOptions, tell: Tell): Promise<void> {
  for (const id of indexNames(options.dataFolder)) await checkFolder(id, options, tell);
  await checkEmbeddings(options, tell);
  await checkLeftovers(options, tell);
}

async function checkFolder(
  id: string,
  { dataFolder, fix }: DoctorOptions,
  tell: Tell,
): Promise<void> {
  const record = savedFolder(dataFolder, id);
  const target = indexFolder(dataFolder, id);
  const name = `index ${record?.folder ?? id}`;
  const isOrphan = !record || !fs.existsSync(record.folder);
  if (isOrphan) {
    if (fix) fs.rmSync(target, { recursive: true, force: true });
    const text = record ? 'Its folder is gone' : 'Nothing says which folder it is of';
    await tell({ level: fix ? 'ok' : 'warn', name, text: `${text}; ${done(fix)}` });
    return;
  }
  const problem = checkIndex(path.join(target, 'index.db'));
  if (problem !== undefined) {
    if (fix) removeIndexFiles(target);
    const text = `${problem}; ${fix ? 'removed, it is built anew when it is used next' : '--fix lets it be built anew'}`;
    await tell({ level: fix ? 'ok' : 'fail', name, text });
    return;
  }
  const damaged = await damagedSidecars(target);
  if (fix) for (const file of damaged) fs.rmSync(path.join(target, file), { force: true });
  if (damaged.length === 0) await tell({ level: 'ok', name, text: 'Sound' });
  else {
    const text = `${damaged.join(', ')} cannot be used, the database answers more slowly; ${done(fix)}`;
    await tell({ level: fix ? 'ok' : 'warn', name, text });
  }
}

/** Files of vectors and graphs beside the index that are damaged or of another index. */
async function damagedSidecars(target: string): Promise<string[]> {
  const indexFile = path.join(target, 'index.db');
  const names = namesIn(target).filter((name) => /^vectors-.*\.(bin|hnsw)$/.test(name));
  if (names.length === 0) return [];
  const storeId = storeIdOf(indexFile);
  const damaged: string[] = [];
  for (const name of names) {
    const spaceId = name.replace(/^vectors-/, '').replace(/\.(bin|hnsw)$/, '');
    const owner = { storeId, spaceId };
    const isSound = name.endsWith('.bin')
      ? (await readVectorFile(path.join(target, name), owner)) !== undefined
      : await isSoundGraph(indexFile, owner);
    if (!isSound) damaged.push(name);
  }
  return damaged;
}

async function isSoundGraph(indexFile: string, owner: VectorFileOwner): Promise<boolean> {
  const files = folderFiles(indexFile).graph(owner.spaceId);
  const description = readDescription(files, owner);
  // Without the addon no graph is ever read.
  if (!hasHnsw()) return true;
  return (
    description !== undefined && (await loadHnsw(files, owner, description.dimension)) !== undefined
  );
}

/** The index that sidecars must be of. */
function storeIdOf(indexFile: string): string {
  if (!fs.existsSync(indexFile)) return '';
  const database = openDatabase(indexFile, { isReadOnly: true });
  try {
    return readMeta(database, 'storeId') ?? '';
  } finally {
    database.dispose();
  }
}

async function checkEmbeddings({ dataFolder, fix }: DoctorOptions, tell: Tell): Promise<void> {
  const file = path.join(dataFolder, 'embeddings.db');
  if (!fs.existsSync(file)) return;
  const name = 'embeddings';
  const problem = checkIndex(file);
  if (problem === undefined) {
    await tell({ level: 'ok', name, text: 'Sound' });
    return;
  }
  if (fix) for (const suffix of ['', '-wal', '-shm']) fs.rmSync(file + suffix, { force: true });
  const text = `${problem}; ${fix ? 'removed, texts are embedded anew' : '--fix lets them be embedded anew'}`;
  await tell({ level: fix ? 'ok' : 'fail', name, text });
}

/** Drafts and sockets of engines that ended in the middle. */
async function checkLeftovers({ dataFolder, fix }: DoctorOptions, tell: Tell): Promise<void> {
  const socket = path.basename(readLock(dataFolder)?.socket ?? '');
  const isLeftover = (name: string): boolean =>
    /^engine\.lock\.[0-9a-f]{12}$/.test(name) ||
    (/^[0-9a-f]{12}\.sock$/.test(name) && name !== socket);
  const found = namesIn(dataFolder).filter(isLeftover);
  if (found.length === 0) return;
  if (fix) for (const name of found) fs.rmSync(path.join(dataFolder, name), { force: true });
  const text = `${found.length} of an engine that ended in the middle; ${done(fix)}`;
  await tell({ level: fix ? 'ok' : 'warn', name: 'leftovers', text });
}

function done(fix: boolean): string {
  return fix ? 'removed' : '--fix removes it';
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
