/**
 * Rows for what nobody asked: each text of the records may say itself what it answers, by a comment, a heading or a name
 * (GPL's idea, arXiv 2112.07577). They weigh little, and there are never more of them than a share of all rows.
 */
import { sample, seededRandom } from '../../base/random';
import { type Plan, type Row, SOURCE_WEIGHTS, fold, seedFor } from './plan';
import { type DescribedChunk, pseudoQueries } from './pseudoQueries';

/** The plan with pseudo-queries on its training side, at most `share` of its rows; at 0 the plan itself. */
export function withPseudoRows(plan: Plan, share: number, seed: number): Plan {
  const mostCount = Math.floor((plan.train.rows.length * share) / (1 - share));
  if (mostCount === 0) return plan;
  const asked = new Set(
    [plan.train, plan.heldOut].flatMap(({ rows }) =>
      rows.map(({ query }) => fold(plan.texts[query]!)),
    ),
  );
  const found = [...linesOfTexts(plan)].flatMap(([text, line]) => {
    const [first] = pseudoQueries(describe(plan.texts[text]!));
    // Neither a query that was asked for real nor, above all, one that is held out.
    return first && !asked.has(fold(first.query)) ? [{ ...first, line }] : [];
  });
  const random = seededRandom(seedFor(seed, 'pseudo', 0));
  const texts = [...plan.texts];
  const numbers = new Map(texts.map((text, number) => [text, number]));
  const numberOf = (text: string): number => {
    const known = numbers.get(text) ?? texts.push(text) - 1;
    numbers.set(text, known);
    return known;
  };
  const rows = sample(found, mostCount, random).map(({ query, text, line }): Row => ({
    ...{ line, query: numberOf(query), positives: [numberOf(text)] },
    ...{ negatives: [], negativeWeights: [], weight: SOURCE_WEIGHTS.synthetic },
    isExplicit: false,
  }));
  const notes = [...plan.notes, `${rows.length} queries were made of what the texts say`];
  return { ...plan, texts, notes, train: { ...plan.train, rows: [...plan.train.rows, ...rows] } };
}

/** Documents of the training side, and the line of the first record that has each. */
function linesOfTexts({ train }: Plan): Map<number, number> {
  const lines = new Map<number, number>();
  for (const { line, positives, negatives } of train.rows)
    for (const text of [...positives, ...negatives]) if (!lines.has(text)) lines.set(text, line);
  return lines;
}

/** Names that programs of many languages define. */
const DEFINITION = /\b(?:def|class|function|func|fn|interface|struct|enum)\s+(\w+)/g;

function describe(text: string): DescribedChunk {
  const definitions = [...text.matchAll(DEFINITION)].map(([, name]) => name!);
  return { kind: definitions.length > 0 ? 'definition' : 'prose', definitions, text };
}
