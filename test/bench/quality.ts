/**
 * Retrieval sets for measuring quality. They lie outside this repository, in the folder that NEARMISS_BENCH names
 * or in `../shared/bench`; their own tools lay the corpus out as files (below .cache/bench) and score the answers,
 * so that a figure from here is the figure anybody else gets.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { installationRoot } from '../../src/base/installation';

/** The retrieval sets, code first. */
export const SET_NAMES = ['code-npm', 'code-cosqa', 'docs-tldr', 'docs-cranfield'] as const;
export type SetName = (typeof SET_NAMES)[number];
/** Those, and the one made of what is installed here. */
export type AnySet = SetName | 'docs-readmes';

export interface SetQuery {
  readonly id: string;
  readonly text: string;
  /** The folder this query searches; '' where the set has one folder only. */
  readonly scope: string;
  readonly category?: string;
}

/** One result: the path is relative to the scope's folder, lines count from 1, both ends inclusive. */
export interface Answer {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly score: number;
}

/** Means over the queries of a set, 0 to 1. Documents count at their first chunk. */
export interface Figures {
  readonly queryCount: number;
  /** nDCG@10 over documents. */
  readonly ndcg: number;
  readonly recall10: number;
  /** Says something only where a hundred answers a query were given. */
  readonly recall100: number;
  /** nDCG@10 over line spans with gains of 1; only where the set has spans. */
  readonly spans?: number;
  /** The set's headline (spans where it has them) by the queries' category. */
  readonly byCategory: Readonly<Record<string, number>>;
  /** The headline figure of each query. */
  readonly byQuery: ReadonlyMap<string, number>;
}

export interface QualitySet {
  readonly name: AnySet;
  /** One folder to index for each scope. */
  readonly folders: readonly { readonly scope: string; readonly dir: string }[];
  readonly queries: readonly SetQuery[];
  /** Figures of the answers, best first, by query id; a query without answers scores 0. */
  judge(answers: ReadonlyMap<string, readonly Answer[]>): Figures;
}

/** Where the sets are; undefined when this machine has none. */
function benchFolder(): string | undefined {
  const candidates = [
    process.env.NEARMISS_BENCH,
    path.join(installationRoot(), '../shared/bench'),
  ].filter((folder): folder is string => Boolean(folder));
  return candidates.find((folder) => fs.existsSync(path.join(folder, 'tools/score.mjs')));
}

/** Files that benches make and keep between runs. */
export function benchCache(...segments: string[]): string {
  const folder = path.join(installationRoot(), '.cache/bench', ...segments);
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  return folder;
}

/** Lays the set out as files (once) and reads its queries. */
export async function loadSet(name: SetName): Promise<QualitySet> {
  const bench = requireBenchFolder();
  const { tree, mapFile, source } = layOut(bench, name);
  const score = await scoreTool();
  const queries = readJsonl<RawQuery>(path.join(source, 'queries.jsonl')).map(toSetQuery);
  const scopes = [...new Set(queries.map((query) => query.scope))].sort();
  const targetFile = path.join(source, 'targets.jsonl');
  const judging: Judging = {
    score,
    queries,
    qrels: fs.readFileSync(path.join(source, 'qrels.tsv'), 'utf8'),
    map: fs.readFileSync(mapFile, 'utf8'),
    targets: fs.existsSync(targetFile) ? readJsonl<object>(targetFile) : undefined,
  };
  return {
    name,
    folders: scopes.map((scope) => ({ scope, dir: path.join(tree, scope) })),
    queries,
    judge: (answers) => judge(judging, answers),
  };
}

/** A set that is made here: its relevance judgments and its map of paths to documents in the scorer's own shapes. */
export async function makeSet(
  name: QualitySet['name'],
  folders: QualitySet['folders'],
  queries: readonly SetQuery[],
  texts: { readonly qrels: string; readonly map: string },
): Promise<QualitySet> {
  const judging: Judging = { score: await scoreTool(), queries, targets: undefined, ...texts };
  return { name, folders, queries, judge: (answers) => judge(judging, answers) };
}

async function scoreTool(): Promise<ScoreTool> {
  const file = path.join(requireBenchFolder(), 'tools/score.mjs');
  return (await import(pathToFileURL(file).href)) as ScoreTool;
}

/** Asks every query of the set, one after the other, and judges the answers. */
export async function evaluate(
  set: QualitySet,
  answer: (scope: string, query: SetQuery) => Promise<readonly Answer[]>,
): Promise<Figures> {
  const answers = new Map<string, readonly Answer[]>();
  for (const query of set.queries) answers.set(query.id, await answer(query.scope, query));
  return set.judge(answers);
}

export interface SentencePairs {
  readonly first: readonly string[];
  readonly second: readonly string[];
  /** Spearman's rank correlation of these similarities with people's scores. */
  spearman(similarities: readonly number[]): number;
}

/** Sentence pairs that people scored 0 to 5 for sameness of meaning. */
export async function loadSentencePairs(): Promise<SentencePairs> {
  const bench = requireBenchFolder();
  const score = await scoreTool();
  const lines = fs.readFileSync(path.join(bench, 'sts-stsb-dev/pairs.tsv'), 'utf8').split(/\r?\n/);
  const [header = '', ...rows] = lines.filter((line) => line.trim() !== '');
  const columns = header.split('\t');
  const column = (label: string): string[] =>
    rows.map((row) => row.split('\t')[columns.indexOf(label)] ?? '');
  const gold = column('score').map(Number);
  return {
    first: column('sentence1'),
    second: column('sentence2'),
    spearman: (similarities) => score.spearman(gold, [...similarities]),
  };
}

/** A set as it lies there: texts, judgments, and what people marked on queries that are not judged. */
export interface SetSource {
  readonly corpus: readonly { readonly id: string; readonly text: string }[];
  readonly queries: readonly SetQuery[];
  /** Relevant documents by query id. */
  readonly qrels: ReadonlyMap<string, readonly string[]>;
  readonly feedback: readonly {
    readonly query: string;
    readonly id: string;
    readonly label: number;
  }[];
}

/** Reads a set that ships as text (all but code-npm). */
export function readSource(name: Exclude<SetName, 'code-npm'>): SetSource {
  const file = (part: string): string => path.join(requireBenchFolder(), name, part);
  const lines = fs.readFileSync(file('qrels.tsv'), 'utf8').split(/\r?\n/).slice(1);
  const qrels = new Map<string, string[]>();
  for (const line of lines) {
    const [query, document, score] = line.split('\t');
    if (query && document && Number(score) > 0)
      qrels.set(query, [...(qrels.get(query) ?? []), document]);
  }
  return {
    corpus: readJsonl<{ _id: string; title?: string; text: string }>(file('corpus.jsonl')).map(
      ({ _id, title, text }) => ({ id: _id, text: title ? `${title}\n${text}` : text }),
    ),
    queries: readJsonl<RawQuery>(file('queries.jsonl')).map(toSetQuery),
    qrels,
    feedback: fs.existsSync(file('feedback.jsonl')) ? readJsonl(file('feedback.jsonl')) : [],
  };
}

/** Where the sets are; ends the process with a sentence when this machine has none. */
export function requireBenchFolder(): string {
  const bench = benchFolder();
  if (bench) return bench;
  console.error('No retrieval sets here: name their folder in NEARMISS_BENCH');
  process.exit(2);
}

function layOut(
  bench: string,
  name: SetName,
): { readonly tree: string; readonly mapFile: string; readonly source: string } {
  const tree = benchCache('sets', name, 'tree');
  const mapFile = benchCache('sets', name, 'map.tsv');
  const tool = (file: string): string => path.join(bench, 'tools', file);
  const isBuilt = name !== 'code-npm';
  const source = isBuilt ? path.join(bench, name) : benchCache('sets', name, 'source');
  if (fs.existsSync(mapFile)) return { tree, mapFile, source };
  fs.rmSync(tree, { recursive: true, force: true });
  if (!isBuilt) execFileSync(process.execPath, [tool('build-code-npm.mjs'), source]);
  execFileSync(process.execPath, [tool('layout.mjs'), source, tree]);
  // The map is no document: in the tree it would be indexed and found.
  fs.renameSync(path.join(tree, 'map.tsv'), mapFile);
  return { tree, mapFile, source };
}

interface RawQuery {
  readonly _id: string;
  readonly text: string;
  readonly scope?: string;
  readonly category?: string;
}

function toSetQuery({ _id, text, scope, category }: RawQuery): SetQuery {
  return { id: _id, text, scope: scope ?? '', category };
}

function readJsonl<T>(file: string): T[] {
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as T);
}

/** The scorer's functions that are used here; it ships with the sets. */
interface ScoreTool {
  parseQrels(text: string): unknown;
  parseRun(text: string): Run;
  mapRun(run: Run, map: string, scopeOf: (queryId: string) => string): Run;
  scoreRank(qrels: unknown, run: Run, options: { linear: boolean }): Map<string, Metrics>;
  scoreSpans(targets: object[], run: Run, options: { binary: boolean }): Map<string, Metrics>;
  mean(rows: Metrics[]): Metrics;
  spearman(a: number[], b: number[]): number;
}
type Run = Map<string, object[]>;
type Metrics = Readonly<Record<string, number>>;

interface Judging {
  readonly score: ScoreTool;
  readonly queries: readonly SetQuery[];
  readonly qrels: string;
  readonly map: string;
  readonly targets: object[] | undefined;
}

function judge(
  { score, queries, qrels, map, targets }: Judging,
  answers: ReadonlyMap<string, readonly Answer[]>,
): Figures {
  const text = [...answers].map(([qid, results]) => JSON.stringify({ qid, results })).join('\n');
  const scopeOf = new Map(queries.map((query) => [query.id, query.scope]));
  const mapped = score.mapRun(score.parseRun(text), map, (id) => scopeOf.get(id) ?? '');
  const ranks = score.scoreRank(score.parseQrels(qrels), mapped, { linear: true });
  const spans = targets && score.scoreSpans(targets, score.parseRun(text), { binary: true });
  const mean = score.mean([...ranks.values()]);
  const headline = spans ?? ranks;
  return {
    queryCount: ranks.size,
    ndcg: mean['ndcg@10'] ?? 0,
    recall10: mean['recall@10'] ?? 0,
    recall100: mean['recall@100'] ?? 0,
    ...(spans && { spans: score.mean([...spans.values()])['ndcg@10'] ?? 0 }),
    byCategory: meansByCategory(queries, headline),
    byQuery: new Map([...headline].map(([id, metrics]) => [id, metrics['ndcg@10'] ?? 0])),
  };
}

function meansByCategory(
  queries: readonly SetQuery[],
  metrics: ReadonlyMap<string, Metrics>,
): Record<string, number> {
  const groups = new Map<string, number[]>();
  for (const { id, category } of queries) {
    const value = metrics.get(id)?.['ndcg@10'];
    if (category === undefined || value === undefined) continue;
    groups.set(category, [...(groups.get(category) ?? []), value]);
  }
  const means = [...groups].map(
    ([category, values]) =>
      [category, values.reduce((sum, value) => sum + value, 0) / values.length] as const,
  );
  return Object.fromEntries(means.sort(([a], [b]) => (a < b ? -1 : 1)));
}
