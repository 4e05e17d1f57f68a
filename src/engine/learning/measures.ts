/** What an answer is worth, and two series of answers against each other with the interval of the difference. */
import { mean, ndcgAt, nearMissAccuracy, reciprocalRankAt } from '../training/metrics';
import { bootstrapInterval } from '../training/statistics';
import type { Answer } from './arena';
import type { ComparedFigure } from './report';

/** Whose answer is judged: what is right, what is wrong. */
export interface Judged {
  readonly asked: string;
  readonly relevant: readonly number[];
  readonly wrong: readonly number[];
}

export const METRICS = {
  'near-miss accuracy': (answer, judged) => pairAccuracy(answer, judged),
  'MRR@10': ({ order }, { relevant }) =>
    relevant.length === 0 ? undefined : reciprocalRankAt(10, relevance(order, relevant)),
  'nDCG@10': ({ order }, { relevant }) =>
    relevant.length === 0
      ? undefined
      : ndcgAt(
          10,
          relevance(order, relevant).map(Number),
          relevant.map(() => 1),
        ),
  'found at 1': ({ order }, { relevant }) =>
    relevant.length === 0 ? undefined : Number(relevant.includes(order[0] ?? -1)),
} as const satisfies Record<string, (answer: Answer, judged: Judged) => number | undefined>;

export type MetricName = keyof typeof METRICS;

/** Share of (right, wrong) pairs in the right order; what was not found stands last, ties count one half. */
function pairAccuracy({ order }: Answer, { relevant, wrong }: Judged): number | undefined {
  if (relevant.length === 0 || wrong.length === 0) return undefined;
  const place = (id: number): number => {
    const at = order.indexOf(id);
    return at < 0 ? -order.length : -at;
  };
  const pairs = relevant.flatMap((right) =>
    wrong.map((bad) => [place(right), place(bad)] as const),
  );
  return nearMissAccuracy(
    pairs.map(([right]) => right),
    pairs.map(([, bad]) => bad),
  );
}

function relevance(order: readonly number[], relevant: readonly number[]): boolean[] {
  const right = new Set(relevant);
  return order.map((id) => right.has(id));
}

/** Values of both sides for the queries that have one, in their order. */
export interface Paired {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export function pairValues(
  metric: MetricName,
  judged: readonly Judged[],
  before: ReadonlyMap<string, Answer>,
  after: ReadonlyMap<string, Answer>,
): Paired {
  const out = { before: [] as number[], after: [] as number[] };
  for (const query of judged) {
    const [a, b] = [before.get(query.asked), after.get(query.asked)];
    const [x, y] = [a && METRICS[metric](a, query), b && METRICS[metric](b, query)];
    if (x === undefined || y === undefined) continue;
    out.before.push(x);
    out.after.push(y);
  }
  return out;
}

/** A figure with the interval of the paired difference, by resampling queries. */
export function compared(name: string, of: string, { before, after }: Paired): ComparedFigure {
  const differences = before.map((value, index) => after[index]! - value);
  const count = before.length;
  const { low, high } = count > 0 ? bootstrapInterval(differences) : { low: 0, high: 0 };
  const difference = mean(differences);
  return { name, of, count, before: mean(before), after: mean(after), difference, low, high };
}

/** The lower end of the 90 % interval of the paired difference. */
export function lowerBound({ before, after }: Paired): number {
  if (before.length === 0) return 0;
  const differences = before.map((value, index) => after[index]! - value);
  return bootstrapInterval(differences, { level: 0.9 }).low;
}
