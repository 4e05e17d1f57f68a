/** Places in an indexed folder, as marks and other programs write them: `path:start-end`, lines from 1, both inclusive. */
import { NearmissError } from '../../base/errors';
import type { ChunkRow, Snapshot } from '../store/types';

/** The chunks that a place overlaps. Throws a NearmissError('usage') where it names nothing that is indexed. */
export function chunksAtPlace(snapshot: Snapshot, place: string, line: number): ChunkRow[] {
  const match = /^(.+):(\d+)(?:-(\d+))?$/.exec(place);
  const file = match?.[1] ?? '';
  const first = Number(match?.[2]);
  const last = Number(match?.[3] ?? match?.[2]);
  if (!(1 <= first && first <= last))
    throw new NearmissError(
      'usage',
      `Line ${line}: "${place}" names no lines`,
      'Write PATH:START-END',
    );
  const chunks = snapshot.chunksAt(file, first - 1, last);
  if (chunks.length > 0) return chunks;
  throw new NearmissError(
    'usage',
    `Line ${line}: nothing is indexed at ${place}`,
    'Paths are relative to the folder; `nearmiss why PATH` says why a file is left out',
  );
}
