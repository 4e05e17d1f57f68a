/** Thirty files of one chunk each, embedded by a toy, and queries that the first of them answers. */
import type { Group } from '../../src/engine/learning/groups';
import type { MarkedQuery } from '../../src/engine/learning/markData';
import type { ChunkRow, Snapshot } from '../../src/engine/store/types';
import { openFolder } from './openFolder';

const FILE_COUNT = 30;

export interface MarkedFiles {
  readonly snapshot: Snapshot;
  /** Of the file "f3.ts" for 3. */
  readonly chunkOf: (at: number) => ChunkRow;
  /** A query that file 0 answers, with files that were marked as wrong and files that were mined. */
  readonly groupOf: (
    asked: string,
    others: { readonly wrong?: readonly number[]; readonly mined: readonly number[] },
  ) => Group;
}

/** The hooks are node:test's `before` and `after`. */
export function markedFiles(
  before: (begin: () => Promise<void>) => void,
  after: (end: () => Promise<void> | void) => void,
): MarkedFiles {
  let opened: Awaited<ReturnType<typeof openFolder>>;
  before(async () => {
    const names = Array.from({ length: FILE_COUNT }, (_, at) => `f${at}.ts`);
    const files = names.map((name, at) => [name, `const value${at} = ${at};\n`]);
    opened = await openFolder(Object.fromEntries(files));
  });
  after(() => opened.close());
  const chunkOf = (at: number): ChunkRow => opened.snapshot.chunksAt(`f${at}.ts`, 0, 10)[0]!;
  const judged = (at: number, markId: string): MarkedQuery['relevant'][number] => {
    const { id: chunkId, path, span, symbol } = chunkOf(at);
    return { markId, chunkId, path, span, symbol, time: '2026', weight: 1 };
  };
  return {
    get snapshot() {
      return opened.snapshot;
    },
    chunkOf,
    groupOf: (asked, { wrong = [], mined }) => ({
      query: {
        ...{ asked, text: asked.trim().toLowerCase().replaceAll(/\s+/g, ' '), time: '2026' },
        relevant: [judged(0, 'right')],
        wrong: wrong.map((at) => judged(at, 'wrong')),
      },
      mined: mined.map((at) => chunkOf(at).id),
    }),
  };
}
