/**
 * Records as the trainer sees them: every text once, by number; a row for each query with its positives and
 * negatives; what a person marked told from what was mined. Which rows are held out is decided by query, so that no
 * query is on both sides.
 */
import { createHash } from 'node:crypto';
import { NearmissError } from '../../base/errors';
import { sample, seededRandom, shuffle } from '../../base/random';
import type { TrainingRecord } from './recordFile';

/** A query with its texts, all by number. */
export interface Row {
  /** Line of the record in its file, from 1. */
  readonly line: number;
  readonly query: number;
  readonly positives: readonly number[];
  readonly negatives: readonly number[];
  /** Of the negatives, 0 to 1. */
  readonly negativeWeights: readonly number[];
  /** The teacher's lead of the first positive over each negative, where it is known; left out where none is. */
  readonly margins?: readonly (number | undefined)[];
  readonly weight: number;
  readonly isExplicit: boolean;
}

/** Two texts and how alike they are, 0 to 1. */
export interface PairRow {
  readonly line: number;
  readonly a: number;
  readonly b: number;
  readonly score: number;
}

/** One side of a split. */
export interface RowSet {
  readonly rows: readonly Row[];
  readonly pairs: readonly PairRow[];
}

/** All texts, and the rows on both sides. */
export interface Plan {
  readonly texts: readonly string[];
  readonly train: RowSet;
  readonly heldOut: RowSet;
  /** What was left out, and why: a sentence a kind. */
  readonly notes: readonly string[];
}

/** Default weights of section 1.1: what was skipped or made up counts less than what a person said. */
export const SOURCE_WEIGHTS = { explicit: 1, skipped: 0.3, mined: 1, synthetic: 0.2 } as const;

/** More held-out queries or records than this make each look slow and the figure no surer: the rest is learnt from. */
const MOST_HELD_OUT = 1000;

/** Fewer than this say little; training goes on and says so. */
const FEW_RECORDS = 20;

export interface PlanOptions {
  readonly train: readonly TrainingRecord[];
  /** Held out as they are; without them a share of the training records is. */
  readonly heldOut?: readonly TrainingRecord[];
  readonly heldOutShare: number;
  readonly seed: number;
}

/** Numbers the texts and splits the rows. Throws a NearmissError('usage') when there is too little to learn from. */
export function makePlan(options: PlanOptions): Plan {
  const numbering = new Numbering();
  const [train, heldOut] = options.heldOut
    ? [options.train, options.heldOut]
    : splitByQuery(options.train, options.heldOutShare, options.seed);
  const plan = {
    train: numbering.toSet(train),
    heldOut: numbering.toSet(heldOut),
    texts: numbering.texts,
  };
  checkEnough(plan, options);
  const count = plan.train.rows.length + plan.train.pairs.length;
  const notes = [...numbering.notes];
  if (plan.train.pairs.length > 1 && hasOneScore(plan.train.pairs))
    notes.push(
      `Pairs that teach no order, for all have the score ${plan.train.pairs[0]!.score}: ${plan.train.pairs.length}`,
    );
  if (count < FEW_RECORDS)
    notes.push(
      `${count === 1 ? 'One record is' : `${count} records are`} little to learn from; from ${FEW_RECORDS} on a result means something`,
    );
  return { ...plan, notes };
}

/** All records on the held-out side, for measuring alone. */
export function numberRecords(records: readonly TrainingRecord[]): Plan {
  const numbering = new Numbering();
  const heldOut = numbering.toSet(records);
  const { texts, notes } = numbering;
  return { texts, train: { rows: [], pairs: [] }, heldOut, notes };
}

function checkEnough({ train, heldOut }: Omit<Plan, 'notes'>, options: PlanOptions): void {
  const count = options.train.length;
  const trainCount = train.rows.length + train.pairs.length;
  const heldOutCount = heldOut.rows.length + heldOut.pairs.length;
  if (trainCount > 0 && heldOutCount > 0) {
    if (train.pairs.length === 0 || train.rows.length > 0 || !hasOneScore(train.pairs)) return;
    throw new NearmissError(
      'usage',
      `All ${train.pairs.length} pairs have the same score, so there is no order to learn`,
      'Add pairs that are less or more alike',
    );
  }
  if (count === 0)
    throw new NearmissError('usage', 'There is no record to train on', 'Collect marks first');
  if (options.heldOut && trainCount > 0)
    throw new NearmissError(
      'usage',
      'There is no record to test on',
      'Name a file that holds some with --dev, or leave it out',
    );
  if (trainCount + heldOutCount === 0)
    throw new NearmissError(
      'usage',
      'No record has a query and a text to learn from',
      'Fill them in, or collect marks first',
    );
  throw new NearmissError(
    'usage',
    `${count === 1 ? 'One record is' : `${count} records are`} too few to train on some and test on others`,
    'Collect more marks, or name a file of others with --dev',
  );
}

function hasOneScore([first, ...others]: readonly PairRow[]): boolean {
  return others.every(({ score }) => score === first!.score);
}

/** By folded query, so that a query asked twice is on one side, or left out where too many are held out; at least one record on each where there are two. */
function splitByQuery(
  records: readonly TrainingRecord[],
  share: number,
  seed: number,
): [TrainingRecord[], TrainingRecord[]] {
  const keys = [...new Set(records.map(keyOf))];
  const wanted = Math.min(MOST_HELD_OUT, Math.max(1, Math.round(keys.length * share)));
  const heldOut = new Set(shuffle(keys, seededRandom(seed)).slice(0, keys.length < 2 ? 0 : wanted));
  const asked = records.filter((record) => heldOut.has(keyOf(record)));
  return [
    records.filter((record) => !heldOut.has(keyOf(record))),
    asked.length <= MOST_HELD_OUT ? asked : sample(asked, MOST_HELD_OUT, seededRandom(seed)),
  ];
}

function keyOf(record: TrainingRecord): string {
  return fold(record.task === 'ir' ? record.query : record.a);
}

/** Case and space do not make another query. */
export function fold(text: string): string {
  return text.toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

class Numbering {
  readonly texts: string[] = [];
  private readonly numbers = new Map<string, number>();
  private emptyCount = 0;
  private duplicateCount = 0;

  toSet(records: readonly TrainingRecord[]): RowSet {
    const rows: Row[] = [];
    const pairs: PairRow[] = [];
    for (const record of records) {
      if (record.task === 'ir') rows.push(...this.toRow(record));
      else {
        const { line, score } = record;
        pairs.push({ line, a: this.numberOf(record.a), b: this.numberOf(record.b), score });
      }
    }
    return { rows, pairs };
  }

  get notes(): string[] {
    const notes: string[] = [];
    if (this.emptyCount > 0) notes.push(`Empty texts left out: ${this.emptyCount}`);
    if (this.duplicateCount > 0)
      notes.push(
        `Negatives left out, for they are a positive of their own query: ${this.duplicateCount}`,
      );
    return notes;
  }

  private toRow(record: TrainingRecord & { readonly task: 'ir' }): Row[] {
    const { line, query, source = 'explicit' } = record;
    const isText = (text: string): boolean => {
      const isEmpty = text.trim() === '';
      if (isEmpty) this.emptyCount++;
      return !isEmpty;
    };
    const positives = [
      ...new Set(record.positives.filter(isText).map((text) => this.numberOf(text))),
    ];
    const own = new Set(positives.map((number) => fold(this.texts[number]!)));
    const kept = record.negatives
      .map((text, index) => ({
        text,
        weight: record.weights?.[index] ?? SOURCE_WEIGHTS[source],
        margin: record.margins?.[index] ?? undefined,
      }))
      .filter(({ text }) => isText(text))
      .filter(({ text }) => {
        const isDuplicate = own.has(fold(text));
        if (isDuplicate) this.duplicateCount++;
        return !isDuplicate;
      });
    if (!isText(query) || positives.length + kept.length === 0) return [];
    return [
      {
        line,
        query: this.numberOf(query),
        positives,
        negatives: kept.map(({ text }) => this.numberOf(text)),
        negativeWeights: kept.map(({ weight }) => weight),
        ...(record.margins && { margins: kept.map(({ margin }) => margin) }),
        weight: record.weight ?? (source === 'synthetic' ? SOURCE_WEIGHTS.synthetic : 1),
        isExplicit: source === 'explicit',
      },
    ];
  }

  private numberOf(text: string): number {
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    const number = this.texts.length;
    this.numbers.set(text, number);
    this.texts.push(text);
    return number;
  }
}

/** Numbers of all texts that stand as documents, on both sides, in order. */
export function documentsOf(plan: Pick<Plan, 'train' | 'heldOut'>): number[] {
  const numbers = [plan.train, plan.heldOut].flatMap(({ rows, pairs }) => [
    ...rows.flatMap(({ positives, negatives }) => [...positives, ...negatives]),
    ...pairs.flatMap(({ a, b }) => [a, b]),
  ]);
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** A number for randomness that depends on the seed, a purpose and a step, and on nothing else. */
export function seedFor(seed: number, purpose: string, step: number): number {
  return createHash('sha256').update(`${seed}\0${purpose}\0${step}`).digest().readUInt32LE(0);
}
