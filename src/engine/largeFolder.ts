/** Folders that are indexed only when the user agrees: a home folder, what holds one, very many files. */
import * as os from 'node:os';
import * as path from 'node:path';
import { AbortedError, NearmissError } from '../base/errors';
import { walkFolder } from './documents/walk';

/** Throws `needsConfirmation` for such a folder. `folder` is a real path. */
export async function refuseLargeFolder(
  folder: string,
  fileLimit: number,
  signal: AbortSignal,
): Promise<void> {
  const home = os.homedir();
  if (folder === home || home.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep))
    throw new NearmissError(
      'needsConfirmation',
      `${folder} ${folder === home ? 'is' : 'holds'} your home folder`,
      'Name the project you mean, or agree with --yes',
    );
  if (!(await hasMoreFilesThan(folder, fileLimit, signal))) return;
  throw new NearmissError(
    'needsConfirmation',
    `${folder} has more than ${fileLimit.toLocaleString('en')} files`,
    'Leave some out with .nearmissignore or --exclude, or agree with --yes',
  );
}

async function hasMoreFilesThan(
  folder: string,
  limit: number,
  signal: AbortSignal,
): Promise<boolean> {
  const enough = new AbortController();
  let count = 0;
  const visit = (): void => {
    if (++count > limit) enough.abort(new AbortedError());
  };
  try {
    const either = AbortSignal.any([enough.signal, signal]);
    await walkFolder(folder, { maxFileCount: limit + 1 }, visit, either);
  } catch (error) {
    if (!enough.signal.aborted) throw error;
  }
  return count > limit;
}
