/** What went wrong with a file that a person named: a sentence for each way, where the system has only a code. */
import * as path from 'node:path';
import { NearmissError, systemCode } from './errors';

/** Why a file that was to be read was not. What is no failure of the system comes back as it is. */
export function unreadable(file: string, error: unknown): unknown {
  return failureOf(file, error, `There is no file ${file}`, 'read');
}

/** Why a file that was to be written was not. What is no failure of the system comes back as it is. */
export function unwritable(file: string, error: unknown): unknown {
  return failureOf(file, error, `There is no folder ${path.dirname(file)}`, 'written');
}

function failureOf(
  file: string,
  cause: unknown,
  missing: string,
  done: 'read' | 'written',
): unknown {
  const code = systemCode(cause);
  if (cause instanceof NearmissError || code === undefined) return cause;
  const failure = (message: string, advice: string): NearmissError =>
    new NearmissError('usage', message, advice, { cause });
  if (code === 'ENOENT' || code === 'ENOTDIR') return failure(missing, 'Check the path');
  if (code === 'EISDIR') return failure(`${file} is a folder`, 'Name a file');
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return failure(
      done === 'read' ? `You may not read ${file}` : `You may not write ${file}`,
      'Change its permissions, or name another file',
    );
  if (code === 'ENOSPC')
    return new NearmissError(
      'diskFull',
      `The disk is full: ${file}`,
      'Free some space, then try again',
      { cause },
    );
  const said =
    done === 'read' ? `${file} cannot be read (${code})` : `${file} cannot be written (${code})`;
  return failure(said, 'Name another file');
}
