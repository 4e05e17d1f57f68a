/**
 * The space of an encoder that was learned for one folder. Its name begins with a word of its own, so that vectors which no
 * version needs any more can be told from those of checkpoints, and go.
 */
import type { Embedder } from './types';

/** What names of such spaces begin with. */
export const LEARNED_PREFIX = 'learned-';

/** What names of a learned checkpoint's spaces begin with, whatever the arithmetic. */
export function learnedSpacesOf(fingerprint: string): string {
  return `${LEARNED_PREFIX}${fingerprint.slice(0, 16)}-`;
}

/** The same embedder under the name of its learned space. It is disposed with the one that was given. */
export function inLearnedSpace(embedder: Embedder): Embedder {
  return {
    space: { ...embedder.space, id: LEARNED_PREFIX + embedder.space.id },
    embedDocuments: (texts, signal) => embedder.embedDocuments(texts, signal),
    embedQuery: (text, signal) => embedder.embedQuery(text, signal),
    dispose: () => embedder.dispose(),
  };
}
