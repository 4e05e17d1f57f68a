/** How much a folder's index holds, for status and progress. */
import { readMeta } from './chunkTable';
import type { Database } from './database';
import type { StoreCounts } from './types';

export const NO_COUNTS: StoreCounts = {
  documentCount: 0,
  chunkCount: 0,
  syntaxDocumentCount: 0,
  embeddableCount: 0,
  embeddedCount: 0,
  skippedCount: 0,
};

/** Counts everything; embeddings count when they belong to `spaceId`. */
export function countRows(database: Database, spaceId: string | undefined): StoreCounts {
  const [documents, syntax, chunks, embeddable, embedded, skipped] = database
    .prepare<[number, number, number, number, number, number]>(
      `SELECT (SELECT count(*) FROM document), (SELECT count(*) FROM document WHERE tier = 'syntax'),
         (SELECT count(*) FROM chunk), (SELECT count(*) FROM embeddable),
         (SELECT count(*) FROM embeddable WHERE embeddedAt > 0), (SELECT count(*) FROM skipped)`,
    )
    .get()!;
  const isSameSpace = spaceId !== undefined && readMeta(database, 'embeddingSpace') === spaceId;
  return {
    documentCount: documents,
    chunkCount: chunks,
    syntaxDocumentCount: syntax,
    embeddableCount: embeddable,
    embeddedCount: isSameSpace ? embedded : 0,
    skippedCount: skipped,
  };
}
