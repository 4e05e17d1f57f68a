/**
 * Which records a step sees. Each step holds one task alone (CoDiEmb, arXiv 2508.11442): every dataset is shuffled and
 * cut into batches, and the batches of all are put in random order. Unlike the released sampler we keep the last short
 * batch, for twenty marks must never make no step, and keep search and similarity steps between 1 : 1 and 4 : 1 by
 * repeating the scarcer one.
 */
import { type Random, shuffle } from '../../base/random';

export type Task = 'ir' | 'sts';

export interface Dataset {
  readonly task: Task;
  /** Numbers of its records. */
  readonly records: readonly number[];
  readonly batchSize: number;
}

/** The records of one step. */
export interface Batch {
  readonly task: Task;
  readonly records: readonly number[];
}

export interface SamplerSettings {
  /** What happens to records that do not fill a batch. */
  readonly leftovers: 'keep' | 'discard';
  /** Search steps to similarity steps, at least and at most; undefined leaves the ratio as it falls. */
  readonly ratio?: readonly [number, number];
  /** How often a record may come in an epoch. */
  readonly mostRepeats: number;
}

export const SAMPLER_DEFAULTS: SamplerSettings = {
  leftovers: 'keep',
  ratio: [1, 4],
  mostRepeats: 3,
};

/** The released code's, for comparison. */
export const RELEASED_SAMPLER: SamplerSettings = { leftovers: 'discard', mostRepeats: 1 };

/** The batches of one epoch, in order. Call it anew each epoch, or the same batches come again. */
export function planEpoch(
  datasets: readonly Dataset[],
  settings: SamplerSettings,
  random: Random,
): Batch[] {
  const byTask = (task: Task): Batch[] =>
    datasets.filter((set) => set.task === task).flatMap((set) => cut(set, settings, random));
  const [search, similarity] = [byTask('ir'), byTask('sts')];
  const [searchRounds, similarityRounds] = rounds(search.length, similarity.length, settings);
  const repeat = (first: Batch[], task: Task, wanted: number): Batch[] => {
    const batches = [...first];
    while (batches.length > 0 && batches.length < wanted)
      batches.push(...byTask(task).slice(0, wanted - batches.length));
    return batches;
  };
  return shuffle(
    [...repeat(search, 'ir', searchRounds), ...repeat(similarity, 'sts', similarityRounds)],
    random,
  );
}

function cut(
  { task, records, batchSize }: Dataset,
  settings: SamplerSettings,
  random: Random,
): Batch[] {
  const order = shuffle(records, random);
  const batches: Batch[] = [];
  for (let at = 0; at < order.length; at += batchSize)
    batches.push({ task, records: order.slice(at, at + batchSize) });
  return settings.leftovers === 'keep'
    ? batches
    : batches.filter((batch) => batch.records.length === batchSize);
}

/** Steps of each task that keep the ratio, within what repeating may do. */
function rounds(
  search: number,
  similarity: number,
  { ratio, mostRepeats }: SamplerSettings,
): [number, number] {
  if (!ratio || search === 0 || similarity === 0) return [search, similarity];
  const [least, most] = ratio;
  return [
    Math.min(Math.max(search, Math.ceil(least * similarity)), mostRepeats * search),
    Math.min(Math.max(similarity, Math.ceil(search / most)), mostRepeats * similarity),
  ];
}
