/** Places in an indexed folder, as marks and other programs write them: `path:start-end`, lines from 1, both inclusive. */
import { NearmissError } from '../../base/errors';
import type { ChunkRow, Snapshot } from '../store/types';

/** A path and lines, from 0, end exclusive. */
export interface Place {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** "src/a.ts:10-20", or a single line, as a path and lines; undefined for what is no place. */
export function parsePlace(place: string): Place | undefined {
  const match = /^(.+):(\d+)(?:-(\d+))?$/.exec(place);
  if (!match) return undefined;
  const first = Number(match[2]);
  const last = Number(match[3] ?? match[2]);
  return first < 1 || last < first ? undefined : { path: match[1]!, start: first - 1, end: last };
}

/** The chunks that a place overlaps. Throws a NearmissError('usage') where it names nothing that is indexed. */
export function chunksAtPlace(snapshot: Snapshot, place: string, line: number): ChunkRow[] {
  const parsed = parsePlace(place);
  if (!parsed)
    throw new NearmissError(
      'usage',
      `Line ${line}: "${place}" names no lines`,
      'Write PATH:START-END',
    );
  const chunks = snapshot.chunksAt(parsed.path, parsed.start, parsed.end);
  if (chunks.length > 0) return chunks;
  throw new NearmissError(
    'usage',
    `Line ${line}: nothing is indexed at ${place}`,
    'Paths are relative to the folder; `nearmiss why PATH` says why a file is left out',
  );
}
