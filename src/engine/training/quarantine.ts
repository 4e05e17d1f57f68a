/**
 * Marks of a plan that are set aside before anything is learnt (training-methods 6.2 and 9.4): those that contradict
 * another mark, and those on what is likely the answer itself. They are named by the line of their record, so that a
 * person can look at them; the file stays as it is.
 */
import { type Random, seededRandom } from '../../base/random';
import type { TrainingContext } from './context';
import { type Matrix, rowOf, zeros } from './losses/matrix';
import { type Plan, type Row, documentsOf, seedFor } from './plan';
import { type ReviewItem, type ReviewReason, type ReviewedMark, reviewMarks } from './review';
import { calibrate, cosineDistance } from './twoConditions';

/**
 * Base embeddings of the plan's texts, `[texts, dimension]`, and the recipe's ceiling for copies. Without embeddings only
 * what reads the same is found.
 */
export interface QuarantineMeans {
  readonly vectors?: Float32Array;
  readonly dimension: number;
  readonly duplicateCosine: number;
  readonly seed: number;
}

export interface Quarantined {
  /** The plan without what was set aside. */
  readonly plan: Plan;
  /** A sentence for each reason, with the lines; then how to learn from them all the same. */
  readonly notes: readonly string[];
}

/** One mark of the plan: a negative of an explicit row. */
interface PlacedMark extends ReviewedMark {
  readonly row: Row;
  readonly negative: number;
}

/** Sets aside what `reviewMarks` finds. A plan without such marks comes back as it is. */
export function quarantineMarks(plan: Plan, means: QuarantineMeans): Quarantined {
  const marks = marksOf(plan, means);
  const { texts, train } = plan;
  const answers = train.rows.flatMap(({ query, positives }) =>
    positives.map((positive) => ({ query: texts[query]!, hash: texts[positive]! })),
  );
  const random = seededRandom(seedFor(means.seed, 'quarantine', 0));
  const { vectors } = means;
  const calibration =
    vectors && marks.length > 0 ? calibrationOf(plan, { ...means, vectors }, random) : undefined;
  const items = reviewMarks(marks, calibration, { ceiling: means.duplicateCosine, answers });
  if (items.length === 0) return { plan, notes: [] };
  const aside = new Map<Row, Set<number>>();
  for (const { mark } of items) {
    const { row, negative } = marks[mark]!;
    aside.set(row, (aside.get(row) ?? new Set()).add(negative));
  }
  const rows = train.rows.flatMap((row) => without(row, aside.get(row)));
  return {
    plan: { ...plan, train: { ...train, rows } },
    notes: notesOf(items, marks),
  };
}

/** The plan without marks that a person should look at first, where the recipe asks for that; each of them is noted. */
export function reviewedPlan(
  { plan, recipe, seed, note }: Pick<TrainingContext, 'plan' | 'recipe' | 'seed' | 'note'>,
  vectors: Float32Array | undefined,
  dimension: number,
): Plan {
  if (!recipe.quarantine) return plan;
  const { duplicateCosine } = recipe;
  const reviewed = quarantineMarks(plan, { vectors, dimension, duplicateCosine, seed });
  for (const text of reviewed.notes) note(text);
  return reviewed.plan;
}

/** Whether there is anything to review. */
export function hasMarks({ train }: Pick<Plan, 'train'>): boolean {
  return train.rows.some(({ isExplicit, negatives }) => isExplicit && negatives.length > 0);
}

/** Nobody looks at more lines. */
const MOST_LINES = 10;

const WHY: Readonly<Record<ReviewReason, string>> = {
  contradiction: 'the same text is marked relevant for the same query',
  copy: 'what says nearly the same as a text marked relevant may be the answer too',
  closeToAnswer: 'what is closer to a text marked relevant than to the query may be the answer too',
};

function notesOf(items: readonly ReviewItem[], marks: readonly PlacedMark[]): string[] {
  const notes: string[] = [];
  for (const reason of Object.keys(WHY) as ReviewReason[]) {
    const lines = items
      .filter((item) => item.reason === reason)
      .map(({ mark }) => marks[mark]!.row.line);
    if (lines.length === 0) continue;
    notes.push(
      `Set aside: ${lines.length === 1 ? 'a negative' : `${lines.length} negatives`} of ${linesText([...new Set(lines)])}, for ${WHY[reason]}`,
    );
  }
  notes.push('"quarantine": false in the recipe learns from what was set aside');
  return notes;
}

/** "line 3", "lines 3, 5, 8", and how many more where they are many. */
function linesText(lines: readonly number[]): string {
  const more = lines.length - MOST_LINES;
  const shown = lines.slice(0, MOST_LINES).join(', ');
  return `line${lines.length === 1 ? '' : 's'} ${shown}${more > 0 ? ` and ${more} more` : ''}`;
}

function marksOf({ texts, train }: Plan, { vectors, dimension }: QuarantineMeans): PlacedMark[] {
  const vector = (text: number): Float32Array | undefined =>
    vectors?.subarray(text * dimension, (text + 1) * dimension);
  const distance = (a: number, b: number): number => cosineDistance(vector(a)!, vector(b)!);
  return train.rows
    .filter(({ isExplicit }) => isExplicit)
    .flatMap((row) =>
      row.negatives.map((negative) => ({
        ...{ row, negative, query: texts[row.query]! },
        wrong: { hash: texts[negative]!, vector: vector(negative) },
        positives: row.positives.map((positive) => ({
          ...{ hash: texts[positive]!, vector: vector(positive) },
          distances: vectors && {
            toQuery: distance(row.query, negative),
            toPositive: distance(positive, negative),
          },
        })),
      })),
    );
}

/** The row without these negatives; nothing where nothing is left to learn from. */
function without(row: Row, negatives: ReadonlySet<number> | undefined): Row[] {
  if (!negatives) return [row];
  const kept = [...row.negatives.keys()].filter((i) => !negatives.has(row.negatives[i]!));
  if (kept.length + row.positives.length === 0) return [];
  return [
    {
      ...row,
      negatives: kept.map((i) => row.negatives[i]!),
      negativeWeights: kept.map((i) => row.negativeWeights[i]!),
      ...(row.margins && { margins: kept.map((i) => row.margins![i]) }),
    },
  ];
}

function calibrationOf(
  plan: Plan,
  { vectors, dimension }: QuarantineMeans & { readonly vectors: Float32Array },
  random: Random,
): ReturnType<typeof calibrate> {
  const matrix = (numbers: readonly number[]): Matrix => {
    const out = zeros(numbers.length, dimension);
    numbers.forEach((number, i) =>
      rowOf(out, i).set(vectors.subarray(number * dimension, (number + 1) * dimension)),
    );
    return out;
  };
  const queries = [...new Set(plan.train.rows.map(({ query }) => query))];
  return calibrate(matrix(queries), matrix(documentsOf(plan)), random);
}
