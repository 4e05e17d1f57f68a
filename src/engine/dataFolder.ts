/**
 * What lies where in the data folder:
 *
 *   engine.lock  settings.json  embeddings.db
 *   folders/<id>/folder.json    which folder this is the index of
 *   folders/<id>/index.db, vectors-<space>.*
 *   marks/<id>/journal.jsonl    the folder's marks, which stay when its index is cleared
 *   learning/<id>/              versions learned from them, the run under way
 *   models/<fingerprint>/       checkpoints the user added
 *   log/
 *
 * Everything is for the user alone: folders 0700, files 0600 (the process runs with that umask).
 */
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { NearmissError, systemCode } from '../base/errors';

/** Longest path of a Unix socket that every system takes (macOS: 104 with the closing zero). */
const longestSocketPath = 100;

/** What `folder.json` says. */
export interface FolderRecord {
  readonly id: string;
  /** Real path of the indexed folder. */
  readonly folder: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly letIn?: readonly string[];
  readonly usesGitRules?: boolean;
}

/** The folder as the file system itself writes it: two ways to one folder give one index. */
export function realFolder(folder: string): string {
  try {
    const real = fs.realpathSync.native(path.resolve(folder));
    if (fs.statSync(real).isDirectory()) return real;
  } catch (error) {
    const code = systemCode(error) ?? 'unknown';
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw new NearmissError('permission', `The folder ${folder} cannot be opened (${code})`);
    throw new NearmissError('usage', `There is no folder ${folder}`, 'Check the path');
  }
  throw new NearmissError(
    'usage',
    `${folder} is not a folder`,
    'Name the folder that holds the file',
  );
}

/** A readable name and a hash of the real path. */
export function folderId(real: string): string {
  const name =
    path
      .basename(real)
      .replaceAll(/[^\w.-]+/g, '_')
      .slice(0, 40) || 'root';
  return `${name}-${createHash('sha256').update(real).digest('hex').slice(0, 12)}`;
}

export function indexFolder(dataFolder: string, id: string): string {
  return path.join(dataFolder, 'folders', id);
}

/** Where the marks of a folder lie. */
export function markFolder(dataFolder: string, id: string): string {
  return path.join(dataFolder, 'marks', id);
}

/** Where what was learned from a folder's marks lies. */
export function learningFolder(dataFolder: string, id: string): string {
  return path.join(dataFolder, 'learning', id);
}

/** Ids of the folders that have marks here. */
export function markNames(dataFolder: string): string[] {
  return foldersIn(path.join(dataFolder, 'marks'));
}

/** The id of a folder that may be gone from the disk. */
export function idOfFolder(folder: string): string {
  return folderId(fs.existsSync(folder) ? realFolder(folder) : path.resolve(folder));
}

/** Creates the index folder of a record and notes what it is for. */
export function saveFolder(dataFolder: string, record: FolderRecord): void {
  const target = indexFolder(dataFolder, record.id);
  fs.mkdirSync(target, { recursive: true, mode: 0o700 });
  writeWhole(path.join(target, 'folder.json'), `${JSON.stringify(record, null, 2)}\n`);
}

/** Every folder that has an index here, sorted by path; what is not readable is left out. */
export function savedFolders(dataFolder: string): FolderRecord[] {
  return indexNames(dataFolder)
    .map((id) => savedFolder(dataFolder, id))
    .filter((record) => record !== undefined)
    .sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/** Names of the index folders, with or without a readable record. */
export function indexNames(dataFolder: string): string[] {
  return foldersIn(path.join(dataFolder, 'folders'));
}

function foldersIn(parent: string): string[] {
  try {
    return fs
      .readdirSync(parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

export function savedFolder(dataFolder: string, id: string): FolderRecord | undefined {
  try {
    const text = fs.readFileSync(path.join(indexFolder(dataFolder, id), 'folder.json'), 'utf8');
    const record = JSON.parse(text) as Partial<FolderRecord> | null;
    if (typeof record?.folder !== 'string') return undefined;
    const { folder, include, exclude, letIn, usesGitRules } = record;
    return { id, folder, include, exclude, letIn, usesGitRules };
  } catch {
    // Missing or damaged: the index it stood for is an orphan, which doctor reports.
    return undefined;
  }
}

/** Writes a file in one step: a reader sees the old one or the new one. */
function writeWhole(file: string, text: string): void {
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  fs.writeFileSync(draft, text, { mode: 0o600 });
  fs.renameSync(draft, file);
}

/** A socket path that nobody has used before; its folder exists and is the user's alone. */
export function newSocketPath(dataFolder: string): string {
  const name = randomBytes(6).toString('hex');
  if (process.platform === 'win32') return `\\\\.\\pipe\\nearmiss-${name}`;
  const near = path.join(dataFolder, `${name}.sock`);
  if (Buffer.byteLength(near) <= longestSocketPath) return near;
  return path.join(privateTemporaryFolder(), `${name}.sock`);
}

function privateTemporaryFolder(): string {
  const user = os.userInfo().uid;
  const folder = path.join(os.tmpdir(), `nearmiss-${user}`);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = fs.lstatSync(folder);
  // Another user could have made it first, to listen in our place.
  if (uid === user && (mode & 0o077) === 0) return folder;
  return fs.mkdtempSync(path.join(os.tmpdir(), 'nearmiss-'));
}
