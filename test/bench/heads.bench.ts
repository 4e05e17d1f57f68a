/**
 * `npm run bench -- heads [--judged on]`: is there a linear map of queries (or of both sides) that a few hundred marks teach
 * and that finds more? Maps in closed form and one that is learned, each with few numbers to learn, on the marks of people in
 * `code-cosqa`: five folds over the marks say which is worth having, and only `--judged on` looks at the judged queries.
 */
import { installationRoot } from '../../src/base/installation';
import { seededRandom, sample, shuffle } from '../../src/base/random';
import { dot, normalize } from '../../src/base/vector';
import { readBundledCheckpoint } from '../../src/engine/encoders/bundled';
import { softmax } from '../../src/engine/training/losses/matrix';
import { mean } from '../../src/engine/training/metrics';
import { bootstrapInterval } from '../../src/engine/training/statistics';
import { principalAxes } from '../../src/tools/principalAxes';
import { baseRows, nearest, rankedNdcg, readMarkedSet } from './markedSet';
import { benchOption } from './report';

type Row = Float32Array;
type Rows = readonly Row[];

/** A query and the number of the document that answers it. */
interface Answered {
  readonly row: Row;
  readonly answer: number;
}

/** What is put in the place of the base's embeddings; rows are brought to norm 1 afterwards. */
interface Mapping {
  readonly query: (row: Row) => Row;
  readonly document?: (row: Row) => Row;
}

type Learn = (known: readonly Answered[], documents: Rows) => Mapping;

const AXES_FROM = 1500;
const FOLDS = 5;

/** Queries move towards where their answers lie, all by the same vector. */
function shift(share: number): Learn {
  return (known, documents) => {
    const apart = meanRow(known.map(({ row, answer }) => combined(documents[answer]!, 1, row, -1)));
    return { query: (row) => combined(row, 1, apart, share) };
  };
}

/** What all queries have in common ("python") says nothing about any. */
function withoutCommon(share: number): Learn {
  return (known) => {
    const common = normalize(meanRow(known.map(({ row }) => row)));
    return { query: (row) => along(row, [common], [-share]) };
  };
}

/** The corpus' widest axes count less: what most documents differ by may be what no query asks. */
function narrowed(count: number, share: number): Learn {
  return (_, documents) => {
    const axes = axesOf(documents, count);
    return {
      query: (row) =>
        along(
          row,
          axes,
          axes.map(() => -share),
        ),
    };
  };
}

function centred(): Learn {
  return (_, documents) => {
    const middle = meanRow(documents);
    const map = (row: Row): Row => combined(row, 1, middle, -1);
    return { query: map, document: map };
  };
}

/** The linear map from queries to answers, pulled to leaving all as it is: (K + pull)^-1 over the known queries. */
function ridge(pull: number): Learn {
  return (known, documents) => {
    const apart = known.map(({ row, answer }) => combined(documents[answer]!, 1, row, -1));
    const system = known.map(({ row: a }, i) =>
      Float64Array.from(known, ({ row: b }, j) => dot(a, b) + (i === j ? pull : 0)),
    );
    const weights = solved(system, apart);
    return {
      query(row) {
        const out = Float32Array.from(row);
        known.forEach(({ row: other }, i) => {
          const share = dot(other, row);
          weights[i]!.forEach((weight, d) => (out[d]! += share * weight));
        });
        return out;
      },
    };
  };
}

/** A scale for each of the corpus' widest axes, learned by the softmax over each query's nearest documents. */
function scales(count: number, pull: number): Learn {
  const { steps, rate, tau, near } = { steps: 60, rate: 0.03, tau: 0.05, near: 150 };
  return (known, documents) => {
    const axes = axesOf(documents, count);
    const places = documents.map((row) => axes.map((axis) => dot(axis, row)));
    const groups = known.map(({ row, answer }) => {
      const others = nearest(row, documents, near).filter((other) => other !== answer);
      const own = axes.map((axis) => dot(axis, row));
      return [answer, ...others].map((document) => ({
        base: dot(row, documents[document]!),
        parts: places[document]!.map((place, axis) => place * own[axis]!),
      }));
    });
    const weights = new Float64Array(count);
    const [first, second] = [new Float64Array(count), new Float64Array(count)];
    for (let step = 1; step <= steps; step++) {
      const slopes = weights.map((weight) => pull * weight);
      for (const group of groups) {
        const shares = softmax(
          group.map(({ base, parts }) => (base + dotOf(parts, weights)) / tau),
        );
        group.forEach(({ parts }, at) => {
          const slope = (shares[at]! - (at === 0 ? 1 : 0)) / tau / groups.length;
          parts.forEach((part, axis) => (slopes[axis]! += slope * part));
        });
      }
      slopes.forEach((slope, axis) => {
        first[axis] = 0.9 * first[axis]! + 0.1 * slope;
        second[axis] = 0.999 * second[axis]! + 0.001 * slope * slope;
        const [m, v] = [first[axis]! / (1 - 0.9 ** step), second[axis]! / (1 - 0.999 ** step)];
        weights[axis]! -= (rate * m) / (Math.sqrt(v) + 1e-8);
      });
    }
    return { query: (row) => along(row, axes, [...weights]) };
  };
}

const MAPS: Readonly<Record<string, Learn>> = {
  'towards the answers, a tenth of the way': shift(0.1),
  'towards the answers, all the way': shift(1),
  'without what all queries share, .6': withoutCommon(0.6),
  'without what all queries share, 1': withoutCommon(1),
  'three widest axes of the corpus at half': narrowed(3, 0.5),
  'mean of the corpus taken from both sides': centred(),
  'ridge, pull 3': ridge(3),
  'ridge, pull 10': ridge(10),
  'scales of 16 axes': scales(16, 0.03),
  'scales of 64 axes': scales(64, 0.03),
};

async function main(): Promise<void> {
  const set = readMarkedSet();
  const rows = await baseRows(set, await readBundledCheckpoint(installationRoot(), 'bi-encoder'));
  const marked = set.marks.flatMap(({ documents: [document], isRight }, at): Answered[] =>
    isRight ? [{ row: rows.marks[at]!, answer: document! }] : [],
  );
  const order = shuffle(marked, seededRandom(1));
  const asked = set.queries.map(({ relevant: [answer] }, at) => {
    return { row: rows.queries[at]!, answer: answer! };
  });
  const isJudged = benchOption('judged') === 'on';
  const base = figures({ query: (row) => row }, order, rows.documents);
  const judgedBase = isJudged ? figures({ query: (row) => row }, asked, rows.documents) : [];
  console.log(
    `nDCG@10 on unseen marks by ${FOLDS} folds, ${order.length}: base ${mean(base).toFixed(4)}`,
  );
  if (isJudged)
    console.log(`on ${asked.length} judged queries: base ${mean(judgedBase).toFixed(4)}`);
  for (const [name, learn] of Object.entries(MAPS)) {
    const values = [...base];
    for (let fold = 0; fold < FOLDS; fold++) {
      const isOut = (at: number): boolean => at % FOLDS === fold;
      const mapping = learn(
        order.filter((_, at) => !isOut(at)),
        rows.documents,
      );
      const out = [...order.keys()].filter(isOut);
      figures(
        mapping,
        out.map((at) => order[at]!),
        rows.documents,
      ).forEach((value, i) => (values[out[i]!] = value));
    }
    const judged = isJudged
      ? figures(learn(order, rows.documents), asked, rows.documents)
      : undefined;
    const parts = [gain(values, base), ...(judged ? [gain(judged, judgedBase)] : [])];
    console.log(`  ${name.padEnd(44)} ${parts.join('   judged ')}`);
  }
}

function figures(
  { query, document }: Mapping,
  asked: readonly Answered[],
  documents: Rows,
): number[] {
  const found = document ? documents.map((row) => normalize(document(row))) : documents;
  return asked.map(({ row, answer }) =>
    rankedNdcg(nearest(normalize(query(Float32Array.from(row))), found, 10), [answer]),
  );
}

function gain(values: readonly number[], base: readonly number[]): string {
  const { mean: by, low, high } = bootstrapInterval(values.map((value, at) => value - base[at]!));
  const sign = (x: number): string => (x < 0 ? '' : '+') + x.toFixed(4);
  return `${sign(by)} [${sign(low)}, ${sign(high)}]`;
}

function combined(a: Row, byA: number, b: Row, byB: number): Row {
  return a.map((value, d) => byA * value + byB * b[d]!);
}

/** The row with its parts along the axes changed by these shares of them. */
function along(row: Row, axes: Rows, shares: readonly number[]): Row {
  const out = Float32Array.from(row);
  axes.forEach((axis, i) => {
    const part = dot(axis, row) * shares[i]!;
    for (let d = 0; d < out.length; d++) out[d]! += part * axis[d]!;
  });
  return out;
}

function meanRow(rows: Rows): Row {
  const sums = new Float64Array(rows[0]!.length);
  for (const row of rows) row.forEach((value, d) => (sums[d]! += value / rows.length));
  return Float32Array.from(sums);
}

function axesOf(documents: Rows, count: number): Row[] {
  const drawn = sample(documents, AXES_FROM, seededRandom(1));
  const dimension = drawn[0]!.length;
  const all = new Float32Array(drawn.length * dimension);
  drawn.forEach((row, at) => all.set(row, at * dimension));
  const { axes } = knownAxes ?? principalAxes(all, dimension, MOST_AXES);
  knownAxes ??= { axes };
  return Array.from({ length: count }, (_, i) => axes.slice(i * dimension, (i + 1) * dimension));
}

const MOST_AXES = 64;
let knownAxes: { readonly axes: Float32Array } | undefined;

function dotOf(a: readonly number[], b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** Rows x of A x = b by elimination with the largest pivot. */
function solved(matrix: readonly Float64Array[], right: Rows): Float64Array[] {
  const rows = matrix.map((row, i) => Float64Array.from([...row, ...right[i]!]));
  for (let at = 0; at < rows.length; at++) {
    let pivot = at;
    for (let i = at + 1; i < rows.length; i++)
      if (Math.abs(rows[i]![at]!) > Math.abs(rows[pivot]![at]!)) pivot = i;
    [rows[at], rows[pivot]] = [rows[pivot]!, rows[at]!];
    const own = rows[at]!;
    const scale = 1 / own[at]!;
    for (let d = at; d < own.length; d++) own[d]! *= scale;
    rows.forEach((row, i) => {
      const by = row[at]!;
      if (i === at || by === 0) return;
      for (let d = at; d < row.length; d++) row[d]! -= by * own[d]!;
    });
  }
  return rows.map((row) => row.slice(rows.length));
}

void main();
