/**
 * The numbers of the ranking in training: shares of meaning, boosts, factors. What each hit has (scaled BM25, cosines,
 * rules, the re-ranker's share) is gathered once; then the product's own functions rank it under other weights, and a
 * listwise loss says which weights put what was marked relevant first. Gradients are central differences of those very
 * functions: two dozen numbers do not need a second formula that could drift away from the first.
 *
 *   weight = default · e^θ, or σ(logit(default) + θ) for shares;  L = mean w · CE + pull · mean θ², w of the record
 *
 * Every candidate that is not marked relevant is a negative; one that is marked not relevant weighs α times as much.
 */
import { gatherFacts, limitPerFile, ruledScores, type RuleFacts } from '../search/boosts';
import { fusedScores, type FusionPart, scaleVotes } from '../search/fuse';
import { parseQuery, type Query } from '../search/query';
import {
  bestWindow,
  firstStageConfidence,
  rerankShares,
  rerankText,
  rerankWeight,
} from '../search/rerank';
import { type Candidate, RETRIEVER_DEPTH, retrieve } from '../search/retrieve';
import type { SearchContext } from '../search/types';
import { DEFAULT_WEIGHTS, type FusionWeights, meaningShare } from '../search/weights';
import { seededRandom, shuffle } from '../../base/random';
import type { RunControl } from './control';
import type { Learner, StepOutcome, Weight } from './loop';
import { meanOf, sigmoid, softmax } from './losses/matrix';
import { ndcgAt } from './metrics';
import { seedFor } from './plan';
import { chunksAtPlace } from './places';
import type { Recipe } from './recipe';

/** A query's candidates, and what was said about them. */
export interface FusionQuery {
  readonly line: number;
  readonly query: Query;
  readonly candidates: readonly Candidate[];
  readonly hasMeaning: boolean;
  /** Logits of the re-ranker for the first candidates under the default weights, by chunk. */
  readonly logits: ReadonlyMap<number, number>;
  readonly relevant: ReadonlySet<number>;
  readonly wrong: ReadonlySet<number>;
  /** How much it counts among the others, 0 to 1. */
  readonly weight: number;
}

/** One record: places as `path:start-end`. */
export interface FusionRecord {
  readonly line: number;
  readonly query: string;
  readonly positives: readonly string[];
  readonly negatives: readonly string[];
  readonly weight: number;
}

/** How many candidates the re-ranker reads, as in a search. */
const RERANK_COUNT = 30;
const PER_FILE = 3;
const STEP = 1e-3;
/** θ stays within: beyond e^3 a weight means something else than it did. */
const MOST = 3;

type Name = keyof FusionWeights;
const SHARES: ReadonlySet<Name> = new Set([
  'meaningSymbol',
  'meaningPath',
  'meaningWords',
  'meaningQuestion',
  'meaningStatic',
  'meaningProse',
]);
/** How many of a file are shown is not learned from marks on single hits. */
const NAMES = (Object.keys(DEFAULT_WEIGHTS) as Name[]).filter((name) => name !== 'sameFileFactor');

/** Candidates, values and re-ranker's logits of each query. */
export async function gatherQueries(
  context: SearchContext,
  records: readonly FusionRecord[],
  control: RunControl,
  onProgress: (done: number, total: number) => void,
): Promise<FusionQuery[]> {
  const out: FusionQuery[] = [];
  for (const [done, record] of records.entries()) {
    await control.turn();
    onProgress(done, records.length);
    const { snapshot, embedder, staticEncoder } = context;
    const query = parseQuery(record.query);
    const contextual =
      snapshot.counts.embeddedCount > 0 ? await embedder?.embedQuery(query.text) : undefined;
    const spaceId = contextual && embedder?.space.id;
    const vectors = { contextual, spaceId, static: staticEncoder?.embed(query.text) };
    const { candidates } = retrieve(snapshot, query, vectors, query.filter, RETRIEVER_DEPTH);
    const idsAt = (places: readonly string[]): Set<number> =>
      new Set(
        places.flatMap((place) => chunksAtPlace(snapshot, place, record.line).map(({ id }) => id)),
      );
    const relevant = idsAt(record.positives);
    const wrong = new Set([...idsAt(record.negatives)].filter((id) => !relevant.has(id)));
    const hasMeaning = candidates.some((candidate) => candidate.contextual);
    const bare = {
      line: record.line,
      weight: record.weight,
      query,
      candidates,
      hasMeaning,
      relevant,
      wrong,
      logits: new Map<number, number>(),
    };
    out.push({ ...bare, logits: await rerankLogits(context, bare) });
  }
  return out;
}

async function rerankLogits(
  context: SearchContext,
  query: FusionQuery,
): Promise<Map<number, number>> {
  if (!context.reranker) return new Map();
  const scores = scoresOf(prepare(query), DEFAULT_WEIGHTS);
  const first = orderOf(scores)
    .slice(0, RERANK_COUNT)
    .map((index) => query.candidates[index]!.chunk);
  const texts = first.map((chunk) =>
    rerankText(chunk, bestWindow(chunk, query.query, context.tokenizer)),
  );
  const logits = await context.reranker.score(query.query.text, texts);
  return new Map(first.map(({ id }, index) => [id, logits[index]!]));
}

/** A query with what no weight changes: learning ranks it a thousand times. */
interface Prepared extends FusionQuery {
  readonly parts: readonly FusionPart[];
  readonly facts: RuleFacts;
  /** Candidates that the re-ranker has read, by their place. */
  readonly read: readonly { readonly at: number; readonly share: number; readonly most: Name }[];
}

function prepare(query: FusionQuery): Prepared {
  const { candidates, logits, hasMeaning } = query;
  const shares = rerankShares([...logits.values()]);
  const placeOf = new Map(candidates.map(({ chunk }, at) => [chunk.id, at]));
  return {
    ...query,
    parts: scaleVotes(candidates),
    facts: gatherFacts(candidates, query.query, hasMeaning),
    read: [...logits.keys()].flatMap((id, index) => {
      const at = placeOf.get(id);
      if (at === undefined) return [];
      return [{ at, share: shares[index]!.share, most: rerankWeight(candidates[at]!.chunk) }];
    }),
  };
}

/** The score of each candidate as a search gives it, before files are limited. */
function scoresOf(
  { parts, facts, read, query: { kind } }: Prepared,
  weights: FusionWeights,
): Float64Array {
  const fused = fusedScores(parts, {
    contextual: meaningShare(weights, kind),
    ...{ static: weights.meaningStatic, prose: weights.meaningProse },
  });
  const scores = ruledScores(facts, fused, weights);
  if (read.length === 0) return scores;
  const [first, second] = bestTwo(scores);
  const unsure = 1 - firstStageConfidence([first, second]);
  const top = Math.max(1e-6, first);
  for (const { at, share, most } of read) scores[at]! += weights[most] * unsure * top * share;
  return scores;
}

function bestTwo(scores: Float64Array): [number, number] {
  let [first, second] = [-Infinity, -Infinity];
  for (const score of scores)
    if (score > first) [first, second] = [score, first];
    else if (score > second) second = score;
  return [first, second];
}

function orderOf(scores: Float64Array): number[] {
  return [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
}

export class FusionLearner implements Learner {
  readonly theta = new Float32Array(NAMES.length);
  readonly weights: ReadonlyMap<string, Weight> = new Map([
    ['theta', { dims: [NAMES.length], data: this.theta, isDecayed: false }],
  ]);
  private readonly usable: readonly Prepared[];
  private readonly heldOut: readonly Prepared[];
  /** Which numbers change any score here; the slope of all others is zero. */
  private readonly active: readonly boolean[];

  constructor(
    train: readonly FusionQuery[],
    heldOut: readonly FusionQuery[],
    private readonly recipe: Pick<Recipe, 'tau' | 'rows' | 'fusionPull' | 'hardNegativeAlpha'>,
    private readonly seed: number,
  ) {
    this.usable = train.filter(canTeach).map(prepare);
    this.heldOut = heldOut.filter(({ relevant }) => relevant.size > 0).map(prepare);
    const plain = this.usable.map((query) => scoresOf(query, DEFAULT_WEIGHTS).join());
    this.active = NAMES.map((name) => {
      const weights = { ...DEFAULT_WEIGHTS, [name]: weightAt(name, 1) };
      return this.usable.some((query, at) => scoresOf(query, weights).join() !== plain[at]);
    });
  }

  /** Queries that have something marked relevant among their candidates, and something else. */
  get usableCount(): number {
    return this.usable.length;
  }

  step(stepIndex: number): Promise<StepOutcome> {
    const batch = this.batch(stepIndex);
    const theta = Float64Array.from(this.theta);
    const rows = batch.map((query) => ({ line: query.line, loss: this.queryLoss(query, theta) }));
    const gradient = new Float32Array(NAMES.length);
    const pull = (2 * this.recipe.fusionPull) / NAMES.length;
    NAMES.forEach((_, at) => {
      const value = theta[at]!;
      if (!this.active[at]) {
        gradient[at] = pull * value;
        return;
      }
      const lossAt = (x: number): number => {
        theta[at] = x;
        return meanOf(batch.map((query) => this.queryLoss(query, theta)));
      };
      const slope = (lossAt(value + STEP) - lossAt(value - STEP)) / (2 * STEP);
      theta[at] = value;
      gradient[at] = slope + pull * value;
    });
    const loss =
      meanOf(rows.map((row) => row.loss)) + (pull / 2) * theta.reduce((sum, x) => sum + x * x, 0);
    return Promise.resolve({ loss, rows, gradients: new Map([['theta', gradient]]) });
  }

  evaluate(): Promise<number> {
    const weights = this.fusionWeights();
    const values = this.heldOut.map((query) => heldOutNdcg(query, weights));
    return Promise.resolve(values.length === 0 ? 0 : meanOf(values));
  }

  /** The weights that θ stands for. */
  fusionWeights(theta: ArrayLike<number> = this.theta): FusionWeights {
    const learned = NAMES.map((name, at) => [name, weightAt(name, theta[at]!)] as const);
    return { ...DEFAULT_WEIGHTS, ...Object.fromEntries(learned) };
  }

  private queryLoss(query: Prepared, theta: Float64Array): number {
    const scores = scoresOf(query, this.fusionWeights(theta));
    const { tau, hardNegativeAlpha } = this.recipe;
    const ofWrong = Math.log(hardNegativeAlpha);
    const logits = query.candidates.map(
      ({ chunk }, index) => scores[index]! / tau + (query.wrong.has(chunk.id) ? ofWrong : 0),
    );
    const shares = softmax(logits);
    // The share of everything relevant: which of two right chunks comes first is no matter.
    const right = query.candidates.reduce(
      (sum, { chunk }, index) => sum + (query.relevant.has(chunk.id) ? shares[index]! : 0),
      0,
    );
    return -query.weight * Math.log(Math.max(right, Number.MIN_VALUE));
  }

  private batch(stepIndex: number): readonly Prepared[] {
    const { rows } = this.recipe;
    const stepCount = Math.ceil(this.usable.length / rows);
    const epoch = Math.floor(stepIndex / stepCount);
    const order = shuffle(this.usable, seededRandom(seedFor(this.seed, 'fusion', epoch)));
    const at = stepIndex % stepCount;
    return order.slice(at * rows, (at + 1) * rows);
  }
}

function canTeach({ candidates, relevant }: FusionQuery): boolean {
  const count = candidates.filter(({ chunk }) => relevant.has(chunk.id)).length;
  return 0 < count && count < candidates.length;
}

function weightAt(name: Name, theta: number): number {
  const start = DEFAULT_WEIGHTS[name];
  const bounded = Math.max(-MOST, Math.min(MOST, theta));
  if (SHARES.has(name)) return sigmoid(Math.log(start / (1 - start)) + bounded);
  return start * Math.exp(bounded);
}

/** nDCG@10 of the hits that would be shown. */
function heldOutNdcg(query: Prepared, weights: FusionWeights): number {
  const scores = scoresOf(query, weights);
  const hits = query.candidates.map((candidate, index) => ({
    candidate,
    score: scores[index]!,
    repeatFactor: 1,
    isExtra: false,
  }));
  const shown = limitPerFile(hits, {
    ...{ perFile: PER_FILE, factor: weights.sameFileFactor },
    isKept: () => false,
    isFree: () => false,
  });
  const gains = shown.map(({ candidate }) => (query.relevant.has(candidate.chunk.id) ? 1 : 0));
  return ndcgAt(
    10,
    gains,
    [...query.relevant].map(() => 1),
  );
}
