/**
 * From a file of queries to a file of groups: mines, writes in one step, and counts what was left out and why. Beside the
 * groups lies what they were made by, from which the run can be repeated (`--recipe OUT.mining.json`).
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { productVersion } from '../../base/installation';
import { NearmissError } from '../../base/errors';
import { runtimeVersion } from '../encoders/providers';
import type { FolderMeans } from './folderPool';
import { type FurtherMeans, furtherSpace } from './furtherSpaces';
import { mineRecords, readMineQueries } from './mine';
import { flagsOf, readMiningFlags } from './miningFlags';
import type { DropReason, MinedGroup } from './negatives';
import { writeWhole } from './runFiles';

export interface MineOrder {
  readonly queries: string;
  /** What is mined from. */
  readonly folder: string;
  readonly out: string;
  readonly seed: number;
  /** Spaces that vote beside those of the index: `layer:N`, or folders of checkpoints or heads. */
  readonly also?: readonly string[];
  /** A file of the miner's flags. */
  readonly recipe?: string;
}

/** After the name of the groups. */
const RECORD = '.mining.json';

export interface Mined {
  readonly groupCount: number;
  readonly negativeCount: number;
  readonly notes: readonly string[];
}

/** Mines every query of the file against the folder. Throws a NearmissError('usage') when none can be. */
export async function mineFile(
  order: MineOrder,
  means: FolderMeans,
  { control, base, dataFolder }: Pick<FurtherMeans, 'control' | 'base' | 'dataFolder'>,
  onNews: (news: { readonly stage: string; readonly done: number; readonly total: number }) => void,
): Promise<Mined> {
  const { queries: file, out, seed, also = [], recipe } = order;
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
  const negativeCount = records.reduce((sum, { negatives }) => sum + negatives.length, 0);
  const counts = { groupCount: records.length, negativeCount };
  await writeRecord(order, { recipe: flagsOf(flags), base: base?.fingerprint, ...counts });
  await writeWhole(out, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  const dropped = new Map<DropReason, number>();
  for (const { reason } of groups.flatMap((group) => group.dropped))
    dropped.set(reason, (dropped.get(reason) ?? 0) + 1);
  return {
    ...counts,
    notes: [
      ...skipped,
      ...[...dropped].map(([reason, count]) => `${count} candidates left out: ${REASONS[reason]}`),
    ],
  };
}

async function writeRecord(
  { queries, folder, out, seed, also = [] }: MineOrder,
  made: Readonly<Record<string, unknown>>,
): Promise<void> {
  const dataHash = createHash('sha256')
    .update(await fs.readFile(queries))
    .digest('hex');
  const versions = {
    ...{ nearmiss: productVersion(), runtime: runtimeVersion() },
    node: process.versions.node,
  };
  const record = { part: 'mined', queries, dataHash, folder, also, seed, ...made, versions };
  await writeWhole(`${out}${RECORD}`, `${JSON.stringify(record, null, 2)}\n`);
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
