/** Marks as the trainer reads them: with negatives mined by the base bi-encoder, and a share of them held out. */
import { seededRandom, shuffle } from '../../src/base/random';
import { dot } from '../../src/base/vector';
import { type Plan, makePlan } from '../../src/engine/training/plan';
import type { Part, Recipe } from '../../src/engine/training/recipe';
import type { TrainingRecord } from '../../src/engine/training/recordFile';
import { type BaseRows, type MarkedSet, nearest } from './markedSet';
import { benchOption } from './report';

/** Candidates of the base that a cross-encoder puts in order. */
export const judgedDepth = Number(benchOption('depth') ?? 10);

/** Mined negatives come no nearer to the query than this share of the positive's cosine: nearer ones may be answers. */
const ceiling = 0.9;
const minedFrom = 60;
const minedCount = 20;

/** Negatives of a record that is learnt from the teacher: its nearest texts, what a person marked first. */
const taughtCount = 12;
/** A person's word against the teacher's: the least margin of what was marked, either way. */
const leastMargin = 0.02;

/** A record for every mark, with margins of the base bi-encoder; all of them cosines. */
export function taughtRecords(set: MarkedSet, rows: BaseRows): TrainingRecord[] {
  return set.marks.map(({ query, documents, isRight }, at) => {
    const cosine = (other: number): number => dot(rows.marks[at]!, rows.documents[other]!);
    const near = nearest(rows.marks[at]!, rows.documents, minedFrom);
    const others = near.filter((other) => !documents.includes(other));
    const positives = isRight ? documents : [others.shift()!];
    const positive = positives[0]!;
    const limit = isRight ? ceiling * cosine(positive) : Infinity;
    const mined = others.filter((other) => cosine(other) <= limit);
    const negatives = [...(isRight ? [] : documents), ...mined].slice(0, taughtCount);
    return {
      ...{ task: 'ir', query, line: at + 1, source: isRight ? 'explicit' : 'mined' },
      positives: positives.map((document) => set.documents[document]!),
      negatives: negatives.map((other) => set.documents[other]!),
      margins: negatives.map((other) => {
        const margin = cosine(positive) - cosine(other);
        return isRight || documents.includes(other) ? Math.max(margin, leastMargin) : margin;
      }),
    };
  });
}

export function recordsOf(set: MarkedSet, rows: BaseRows): TrainingRecord[] {
  return set.marks.flatMap(({ query, documents, isRight }, at): TrainingRecord[] => {
    const row = rows.marks[at]!;
    const record = { task: 'ir', query, line: at + 1 } as const;
    if (!isRight) return [];
    const limit = ceiling * dot(row, rows.documents[documents[0]!]!);
    const negatives = nearest(row, rows.documents, minedFrom)
      .filter((other) => !documents.includes(other) && dot(row, rows.documents[other]!) <= limit)
      .slice(0, minedCount)
      .map((other) => set.documents[other]!);
    return [
      {
        ...record,
        positives: documents.map((own) => set.documents[own]!),
        negatives,
        source: 'mined',
      },
    ];
  });
}

/** What people marked relevant, a share of it, is held out to stop by, and looked at as the judged queries are. */
export function splitPlan(
  records: readonly TrainingRecord[],
  { heldOutShare }: Recipe,
  judged: (record: TrainingRecord) => TrainingRecord,
): Plan {
  const isMarked = new Set(records.filter((record) => record.task === 'ir' && isRelevant(record)));
  const order = shuffle([...isMarked], seededRandom(1));
  const heldOut = order.slice(0, Math.round(heldOutShare * order.length));
  const train = records.filter((record) => !heldOut.includes(record));
  return makePlan({ train, heldOut: heldOut.map(judged), heldOutShare, seed: 1 });
}

/** A cross-encoder puts the base's best in order, so that is what a held-out mark asks of it, without a ceiling. */
export function heldOutAs(
  set: MarkedSet,
  rows: BaseRows,
  part: Part,
): (record: TrainingRecord) => TrainingRecord {
  return (record) => {
    if (part !== 'cross-encoder' || record.task !== 'ir') return record;
    const { documents } = set.marks[record.line - 1]!;
    const near = nearest(rows.marks[record.line - 1]!, rows.documents, judgedDepth);
    const negatives = near.filter((other) => !documents.includes(other)).slice(0, judgedDepth - 1);
    const { task, query, positives, line, source } = record;
    return {
      task,
      query,
      positives,
      line,
      source,
      negatives: negatives.map((other) => set.documents[other]!),
    };
  };
}

/** A teacher's choice is "mined" where it has margins; so is what was mined for a person's mark, which has none. */
function isRelevant(record: TrainingRecord & { readonly task: 'ir' }): boolean {
  return record.source === 'explicit' || record.margins === undefined;
}
