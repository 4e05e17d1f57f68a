/** From a file of queries to a file of groups: mines, writes in one step, and counts what was left out and why. */
import { NearmissError } from '../../base/errors';
import type { FolderMeans } from './folderPool';
import { type FurtherMeans, furtherSpace } from './furtherSpaces';
import { mineRecords, readMineQueries } from './mine';
import { readMiningFlags } from './miningFlags';
import type { DropReason, MinedGroup } from './negatives';
import { writeWhole } from './runFiles';

export interface MineOrder {
  readonly queries: string;
  readonly out: string;
  readonly seed: number;
  /** Spaces that vote beside those of the index: `layer:N`, or folders of checkpoints or heads. */
  readonly also?: readonly string[];
  /** A file of the miner's flags. */
  readonly recipe?: string;
}

export interface Mined {
  readonly groupCount: number;
  readonly negativeCount: number;
  readonly notes: readonly string[];
}

/** Mines every query of the file against the folder. Throws a NearmissError('usage') when none can be. */
export async function mineFile(
  { queries: file, out, seed, also = [], recipe }: MineOrder,
  means: FolderMeans,
  { control, base, dataFolder }: Pick<FurtherMeans, 'control' | 'base' | 'dataFolder'>,
  onNews: (news: { readonly stage: string; readonly done: number; readonly total: number }) => void,
): Promise<Mined> {
  const queries = await readMineQueries(file);
  const flags = await readMiningFlags(recipe);
  await control.turn();
  const further = also.map((name) =>
    furtherSpace(name, {
      ...{ control, base, dataFolder, embedder: means.embedder },
      onProgress: (done, total) => onNews({ stage: `embedding for ${name}`, done, total }),
    }),
  );
  const outcome = await mineRecords(
    queries,
    { ...means, further },
    {
      ...{ ...flags, seed },
      onProgress: (done, total) => onNews({ stage: 'mining', done, total }),
    },
  );
  const { groups, skipped } = outcome;
  // Nothing that a person said is left of a group whose places are gone.
  const records = outcome.records.filter((_, at) => isSaid(groups[at]!));
  if (records.length === 0)
    throw new NearmissError(
      'usage',
      skipped[0] ?? `${file} holds no query`,
      'Name places that are indexed',
    );
  await writeWhole(out, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  const counts = new Map<DropReason, number>();
  for (const { reason } of groups.flatMap(({ dropped }) => dropped))
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return {
    groupCount: records.length,
    negativeCount: records.reduce((sum, { negatives }) => sum + negatives.length, 0),
    notes: [
      ...skipped,
      ...[...counts].map(([reason, count]) => `${count} candidates left out: ${REASONS[reason]}`),
    ],
  };
}

function isSaid({ positives, negatives }: MinedGroup): boolean {
  return positives.length > 0 || negatives.some(({ source }) => source === 'explicit');
}

const REASONS: Readonly<Record<DropReason, string>> = {
  duplicate: 'they say what a positive says',
  accepted: 'they answer the same query elsewhere',
  copy: 'they are nearer to a positive than to the query',
  easy: 'they are farther from the query than the positive',
  ceiling: 'they come too near to the positive to be safely wrong',
  teacher: 'the cross-encoder finds them as good as the positive',
};
