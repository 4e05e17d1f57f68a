/**
 * `npm run bench -- tokens`: what an agent reads until the first right lines, on the judged questions of code-npm. Ours:
 * one search of `--budget` tokens, read from the top. The other: every word of the question looked up by a plain search
 * for text, then whole files in the order of how many of the words they hold, as agents without an index go about it.
 * Tokens are estimated alike for both.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { estimateTokens } from '../../src/base/tokens';
import type { SearchHit } from '../../src/protocol/types';
import { runCli, stopEngine } from '../support/product';
import { benchCache, loadSet, requireBenchFolder, type SetQuery } from './quality';
import { benchOption, note, quantile, report } from './report';

const timeoutMs = 60 * 60_000;
const budget = Number(benchOption('budget') ?? 2000);
const dataFolder = benchOption('data') ?? benchCache('data');
/** An agent gives up reading whole files after so many. */
const mostFiles = 10;

interface Target {
  readonly qid: string;
  readonly path: string;
  /** From 1, both included; without them the whole file answers. */
  readonly start?: number;
  readonly end?: number;
}

/** What one question cost; `rank` of the right hit or file, 0 where none was found. */
interface Cost {
  readonly tokens: number;
  readonly rank: number;
}

async function main(): Promise<void> {
  const set = await loadSet('code-npm');
  const file = path.join(requireBenchFolder(), 'code-npm/targets.jsonl');
  const targets = fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Target);
  const ours: Cost[] = [];
  const theirs: Cost[] = [];
  for (const { scope, dir } of set.folders) {
    note(`indexing ${scope}`);
    await run(['index', dir, '--wait', '--yes', '--data', dataFolder]);
    for (const query of set.queries.filter((one) => one.scope === scope)) {
      const wanted = targets.filter(({ qid }) => qid === query.id);
      ours.push(await costOfSearch(query, dir, wanted));
      theirs.push(costOfReading(query, dir, wanted));
    }
  }
  await stopEngine(dataFolder);
  const median = (costs: readonly Cost[]): number =>
    quantile(
      costs.map(({ tokens }) => tokens),
      0.5,
    );
  const share = (costs: readonly Cost[], most: number): number =>
    costs.filter(({ rank }) => 0 < rank && rank <= most).length / costs.length;
  const mean = (costs: readonly Cost[]): number =>
    costs.reduce((sum, { tokens }) => sum + tokens, 0) / costs.length;
  report('tokens', [
    { label: `questions, budget ${budget}`, value: ours.length, digits: 0 },
    { label: 'tokens until the first right lines, median', value: median(ours), digits: 0 },
    { label: '  by text search and whole files', value: median(theirs), digits: 0 },
    {
      label: 'the same, mean (the whole answer where none was right)',
      value: mean(ours),
      digits: 0,
    },
    { label: '  by text search and whole files', value: mean(theirs), digits: 0 },
    { label: 'answered by the first hit', value: share(ours, 1) },
    { label: 'answered within the first five hits', value: share(ours, 5) },
    { label: '  within the first five files of the text search', value: share(theirs, 5) },
    { label: 'answered anywhere in the answer', value: share(ours, Infinity) },
  ]);
}

async function costOfSearch(
  { text }: SetQuery,
  folder: string,
  wanted: readonly Target[],
): Promise<Cost> {
  const { stdout } = await run(
    ['search', text, '--folder', folder, '--json', '--limit', '10'].concat(
      ...[
        ['--budget', String(budget)],
        ['--data', dataFolder],
      ],
    ),
  );
  const { hits } = JSON.parse(stdout) as { hits: readonly (SearchHit & { text: string })[] };
  let tokens = 0;
  for (const { path: name, start, end, symbol, text: lines, rank } of hits) {
    tokens += estimateTokens(`${name}:${start}-${end} ${symbol}\n${lines}`);
    if (wanted.some((target) => isRight(target, name, start, end))) return { tokens, rank };
  }
  return { tokens, rank: 0 };
}

function isRight(target: Target, name: string, start: number, end: number): boolean {
  if (target.path !== name) return false;
  return target.start === undefined || (start <= target.end! && target.start <= end);
}

function costOfReading({ text }: SetQuery, folder: string, wanted: readonly Target[]): Cost {
  const words = (text.toLowerCase().match(/[\p{L}\p{N}_]{3,}/gu) ?? []).filter(
    (word) => !stopWords.has(word),
  );
  const found = filesOf(folder)
    .map(({ name, content }) => {
      const lower = content.toLowerCase();
      const held = words.filter((word) => lower.includes(word)).length;
      const lines = lower.split('\n').filter((line) => words.some((word) => line.includes(word)));
      return { name, content, held, lineCount: lines.length };
    })
    .filter(({ held }) => held > 0)
    .sort((a, b) => b.held - a.held || b.lineCount - a.lineCount || (a.name < b.name ? -1 : 1));
  // What the search itself prints: a file and its number of lines each.
  let tokens = estimateTokens(
    found.map(({ name, lineCount }) => `${name}:${lineCount}`).join('\n'),
  );
  for (const [index, { name, content }] of found.slice(0, mostFiles).entries()) {
    const target = wanted.find((one) => one.path === name);
    // Who reads from the top has read as far as the end of the right lines.
    const read = target?.end ? content.split('\n').slice(0, target.end).join('\n') : content;
    tokens += estimateTokens(read);
    if (target) return { tokens, rank: index + 1 };
  }
  return { tokens, rank: 0 };
}

const stopWords = new Set(
  'the and for how what where when which who why does did are was with that this from into our you can not its has'.split(
    ' ',
  ),
);

function filesOf(folder: string): { name: string; content: string }[] {
  return fs
    .readdirSync(folder, { recursive: true })
    .map((name) => String(name).split(path.sep).join('/'))
    .filter((name) => fs.statSync(path.join(folder, name)).isFile())
    .sort()
    .map((name) => ({ name, content: fs.readFileSync(path.join(folder, name), 'utf8') }));
}

async function run(args: readonly string[]): Promise<{ stdout: string }> {
  const result = await runCli(args, { timeoutMs });
  if (result.status === 0) return result;
  throw new Error(`nearmiss ${args.join(' ')} ended with ${result.status}: ${result.stderr}`);
}

void main();
