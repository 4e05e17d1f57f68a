/**
 * What a ranking is worth on queries that nobody marked: MRR@10, near-miss accuracy over all right and wrong pairs of a
 * neutral pool (what words, the base and its re-ranker put among their first twenty), and the folder's own guard queries.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installationRoot } from '../../src/base/installation';
import { seededRandom } from '../../src/base/random';
import type { Contestant } from '../../src/engine/learning/arena';
import { type GuardQuery, pseudoGuard } from '../../src/engine/learning/guard';
import { readWords } from '../../src/engine/search/learnedWords';
import type { SearchMark } from '../../src/engine/search/marks';
import { parseQuery } from '../../src/engine/search/query';
import { search } from '../../src/engine/search/search';
import type { Hit } from '../../src/engine/search/types';
import { queryTermsOf } from '../../src/engine/store/terms';
import { mean, nearMissAccuracy, reciprocalRankAt } from '../../src/engine/training/metrics';
import { bootstrapInterval } from '../../src/engine/training/statistics';
import type { BenchQuery, World } from './learningWorld';
import { benchCache } from './quality';
import type { Figure } from './report';

/** A part on trial, or marks whose instant effect is. */
export type Ranker = Contestant & { readonly marks?: readonly SearchMark[] };

/** Hits that a figure looks at. */
const DEPTH = 60;
const POOL_DEPTH = 20;
const GUARD = 60;

/** One query under one ranking. */
interface Answer {
  readonly reciprocal: number;
  /** Undefined where the pool has no right or no wrong chunk. */
  readonly accuracy?: number;
}

interface Pool {
  readonly right: readonly number[];
  readonly wrong: readonly number[];
}

/** What stays the same over trials: kept between runs. */
interface Known {
  readonly pools: readonly Pool[];
  readonly base: readonly Answer[];
  readonly guardBase: readonly number[];
}

/** Differences to the base of one trial, by query. */
export interface Gains {
  readonly reciprocal: readonly number[];
  readonly accuracy: readonly number[];
  readonly guard: readonly number[];
}

/** Measures rankings against the base on the same queries. */
export class Yardstick {
  private constructor(
    private readonly world: World,
    private readonly queries: readonly BenchQuery[],
    private readonly guard: readonly GuardQuery[],
    private readonly known: Known,
  ) {}

  static async make(world: World): Promise<Yardstick> {
    const queries = world.unseen;
    const guard = pseudoGuard(world.snapshot, GUARD, seededRandom(1));
    const file = benchCache(
      'learning',
      `base-${world.name}-${rankingVersion(world, queries)}.json`,
    );
    if (!fs.existsSync(file)) {
      const pools: Pool[] = [];
      for (const query of queries) pools.push(await poolOf(world, query));
      const base = await answersOf(world, {}, queries, pools);
      const guardBase = await guardOf(world, {}, guard);
      fs.writeFileSync(file, JSON.stringify({ pools, base, guardBase }));
    }
    const known = JSON.parse(fs.readFileSync(file, 'utf8')) as Known;
    return new Yardstick(world, queries, guard, known);
  }

  baseFigures(): Figure[] {
    const accuracies = this.known.base.flatMap(({ accuracy }) => accuracy ?? []);
    return [
      {
        label: `base MRR@10, ${this.queries.length} unseen queries`,
        ...plain(this.known.base.map((a) => a.reciprocal)),
      },
      { label: `base near-miss accuracy, ${accuracies.length} queries`, ...plain(accuracies) },
      { label: `base guard MRR@10, ${this.guard.length} queries`, ...plain(this.known.guardBase) },
    ];
  }

  async gainsOf(ranker: Ranker): Promise<Gains> {
    const { base, pools, guardBase } = this.known;
    const after = await answersOf(this.world, ranker, this.queries, pools, base);
    const guardAfter = await guardOf(this.world, ranker, this.guard, guardBase);
    return {
      reciprocal: after.map(({ reciprocal }, at) => reciprocal - base[at]!.reciprocal),
      accuracy: after.flatMap(({ accuracy }, at) =>
        accuracy === undefined ? [] : [accuracy - base[at]!.accuracy!],
      ),
      guard: guardAfter.map((value, at) => value - guardBase[at]!),
    };
  }
}

/** Changes with the queries and with everything that ranks. */
function rankingVersion({ snapshot, lab }: World, queries: readonly BenchQuery[]): string {
  const version = createHash('sha256').update(JSON.stringify(queries.map(({ text }) => text)));
  version.update(`${lab.embedder.space.id} ${lab.staticEncoder.fingerprint}`);
  version.update(lab.reranker.fingerprint);
  // Pools name chunks by number, and an index made anew gives other numbers.
  for (const file of snapshot.paths())
    for (const { id } of snapshot.chunksAt(file, 0, Number.MAX_SAFE_INTEGER))
      version.update(`${id} ${file}\n`);
  for (const room of ['search', 'store', 'encoders', 'documents']) {
    const folder = path.join(installationRoot(), 'src/engine', room);
    const files = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    for (const file of files)
      if (file.endsWith('.ts')) version.update(fs.readFileSync(path.join(folder, file)));
  }
  return version.digest('hex').slice(0, 12);
}

function plain(values: readonly number[]): Pick<Figure, 'value' | 'digits'> {
  return { value: mean(values), digits: 4 };
}

/** Ids of the neutral pool, right and wrong ones. */
async function poolOf(world: World, query: BenchQuery): Promise<Pool> {
  const { context, snapshot } = world;
  const asked = { query: query.text, limit: POOL_DEPTH };
  const first = await search(context, { ...asked, rerank: false });
  const reranked = await search(context, { ...asked, rerank: true, rerankCount: 30 });
  const terms = queryTermsOf(query.text);
  const words = terms.length > 0 ? snapshot.searchWords({ terms }, POOL_DEPTH) : [];
  const ids = new Set([...first.hits, ...reranked.hits, ...words].map(({ chunkId }) => chunkId));
  const rows = snapshot.chunks([...ids]);
  return {
    right: rows.filter(({ path }) => world.isRight(query, path)).map(({ id }) => id),
    wrong: rows.filter(({ path }) => !world.isRight(query, path)).map(({ id }) => id),
  };
}

async function answersOf(
  world: World,
  ranker: Ranker,
  queries: readonly BenchQuery[],
  pools: readonly Pool[],
  base?: readonly Answer[],
): Promise<Answer[]> {
  const out: Answer[] = [];
  for (const [at, query] of queries.entries()) {
    if (base && isUntouched(world, ranker, query.text)) {
      out.push(base[at]!);
      continue;
    }
    const hits = await ask(world, ranker, query.text, DEPTH);
    const isRight = hits.map(({ path }) => world.isRight(query, path));
    out.push({ reciprocal: reciprocalRankAt(10, isRight), accuracy: accuracyOf(hits, pools[at]!) });
  }
  return out;
}

/** Words alone change no query that has none of them: it need not be asked again. */
function isUntouched({ snapshot }: World, { words, ...rest }: Ranker, query: string): boolean {
  if (Object.values(rest).some((part) => part !== undefined)) return false;
  return readWords(parseQuery(query), words, snapshot).read.length === 0;
}

async function ask(
  world: World,
  ranker: Ranker,
  query: string,
  limit: number,
): Promise<readonly Hit[]> {
  const request = { query, limit, rerank: true, rerankCount: 30 };
  return (await search({ ...world.context, ...ranker }, request)).hits;
}

function accuracyOf(hits: readonly Hit[], { right, wrong }: Pool): number | undefined {
  if (right.length === 0 || wrong.length === 0) return undefined;
  const place = new Map(hits.map(({ chunkId }, rank) => [chunkId, -rank]));
  const valueOf = (id: number): number => place.get(id) ?? -DEPTH;
  const pairs = right.flatMap((a) => wrong.map((b) => [valueOf(a), valueOf(b)] as const));
  return nearMissAccuracy(
    pairs.map(([a]) => a),
    pairs.map(([, b]) => b),
  );
}

async function guardOf(
  world: World,
  ranker: Ranker,
  guard: readonly GuardQuery[],
  base?: readonly number[],
): Promise<number[]> {
  const values: number[] = [];
  for (const [at, { query, chunkIds }] of guard.entries()) {
    if (base && isUntouched(world, ranker, query)) {
      values.push(base[at]!);
      continue;
    }
    const hits = await ask(world, ranker, query, 10);
    const isRight = hits.map(({ chunkId }) => chunkIds.includes(chunkId));
    values.push(reciprocalRankAt(10, isRight));
  }
  return values;
}

/** What one trial gains beyond another, query by query. */
export function lead(a: Gains, b: Gains): Gains {
  const less = (of: keyof Gains): number[] => a[of].map((value, at) => value - b[of][at]!);
  return {
    ...{ reciprocal: less('reciprocal'), accuracy: less('accuracy') },
    guard: less('guard'),
  };
}

/** Means over trials for each query, then the interval over queries. */
export function figuresOf(label: string, trials: readonly Gains[]): Figure[] {
  const over = (name: string, of: (gains: Gains) => readonly number[]): Figure[] => {
    const runs = trials.map(of);
    const byQuery = runs[0]!.map((_, at) => mean(runs.map((run) => run[at]!)));
    const { low, high } = bootstrapInterval(byQuery);
    const seeds = runs.map((run) => mean(run).toFixed(3)).join(' ');
    return [
      { label: `${label}: ${name} (each seed ${seeds})`, value: mean(byQuery), digits: 4 },
      { label: '  from', value: low, digits: 4 },
      { label: '  to', value: high, digits: 4 },
    ];
  };
  return [
    ...over('MRR@10', ({ reciprocal }) => reciprocal),
    ...over('near-miss accuracy', ({ accuracy }) => accuracy),
    // Folders of plain abstracts ask nothing of themselves.
    ...(trials[0]!.guard.length > 0 ? over('guard MRR@10', ({ guard }) => guard) : []),
  ];
}
