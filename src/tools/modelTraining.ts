/**
 * The stages of `npm run train:models`. Each leaves its result in the work folder and is passed over when it is there; the
 * training itself goes on from its last saved state.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { ChunkSplitter } from '../engine/documents/chunk';
import { loadTokenizer } from '../engine/encoders/tokenizer';
import { type SourceCount, writeQueries } from './trainingQueries';
import { JudgedTexts, type TrainingSource } from './trainingSources';

export interface ModelTraining {
  /** The installation whose command line and models are used. */
  readonly root: string;
  readonly work: string;
  /** Where the command line keeps its index. */
  readonly home: string;
  readonly sources: readonly TrainingSource[];
  /** The folder of judged sets. */
  readonly bench?: string;
  /** Queries of all sources. */
  readonly most: number;
  readonly seed: number;
  readonly parts: readonly Part[];
  /** Of the recipe, instead of its own. */
  readonly changes?: Readonly<Record<string, unknown>>;
  /** How far from the base to what was learned the model that comes out lies; 1 is all the way. */
  readonly pull?: number;
  readonly say: (line: string) => void;
}

export const PARTS = ['cross-encoder', 'bi-encoder'] as const;
export type Part = (typeof PARTS)[number];

/** The rates that the encoders were made with, and half of what an epoch of all queries takes. */
const RECIPES: Readonly<Record<Part, Readonly<Record<string, unknown>>>> = {
  'cross-encoder': {
    ...{ scope: 'all', learningRate: 2e-5, rows: 16, negatives: 5, steps: 1200, maxTokens: 128 },
    ...{ evaluateEvery: 100, patience: 4, keep: 3, merge: 'deviation', pulls: [0.5, 1] },
  },
  'bi-encoder': {
    ...{ scope: 'last-layers', layers: 2, learningRate: 1e-5, rows: 48, negatives: 2 },
    ...{ steps: 400, maxTokens: 128, anchor: 0.2, evaluateEvery: 40, patience: 4 },
    ...{ keep: 3, merge: 'deviation', pulls: [0.25, 0.5, 1] },
  },
};

/** Makes a model of each part below `work/models`. */
export async function trainModels(training: ModelTraining): Promise<void> {
  const { work, seed, parts, say } = training;
  fs.mkdirSync(work, { recursive: true });
  const counts = await stage(training, 'queries.json', (out) => makeQueries(training, out));
  for (const side of ['train', 'dev'])
    await stage(training, `${side}-groups.jsonl`, (out) => {
      const queries = path.join(work, `${side}.jsonl`);
      const asked = ['--queries', queries, '--folder', path.join(work, side), '--out', out];
      run(training, ['mine', ...asked, '--seed', String(seed), '--yes']);
    });
  const read = JSON.parse(fs.readFileSync(counts, 'utf8')) as SourceCount[];
  for (const part of parts) trainPart(training, part, read);
  say(`Models in ${path.join(work, 'models')}`);
}

/** Runs what makes a file of the work folder, unless it is there. */
async function stage(
  { work, say }: ModelTraining,
  name: string,
  make: (out: string) => Promise<void> | void,
): Promise<string> {
  const out = path.join(work, name);
  if (fs.existsSync(out)) say(`${name} is there`);
  else await make(out);
  return out;
}

async function makeQueries(
  { root, work, sources, bench, most, seed, say }: ModelTraining,
  out: string,
): Promise<void> {
  const tokenizer = await loadTokenizer(path.join(root, 'models/bi-encoder'));
  const splitter = await ChunkSplitter.create({
    grammarFolder: path.join(root, 'dist/grammars'),
    countTokens: (text) => tokenizer.countTokens(text),
  });
  try {
    const judged = new JudgedTexts(bench);
    say(`${sources.length} sources; ${judged.count} judged texts are left out`);
    const means = { splitter, judged, folder: work };
    const settings = {
      ...{ mostPerSource: MOST_PER_SOURCE, most, mostHeldOut: Math.ceil(most / 10) },
      ...{ heldOutShare: HELD_OUT_SHARE, seed },
    };
    const counts = await writeQueries(sources, means, settings);
    fs.writeFileSync(out, `${JSON.stringify(counts, null, 2)}\n`);
  } finally {
    splitter.dispose();
  }
}

/** So that no library outweighs all others. */
const MOST_PER_SOURCE = 2500;
const HELD_OUT_SHARE = 0.05;

function trainPart(training: ModelTraining, part: Part, counts: readonly SourceCount[]): void {
  const { root, work, seed, changes, pull = 1, say } = training;
  const [base, trained] = [path.join(root, 'models', part), path.join(work, 'trained', part)];
  const model = path.join(work, 'models', part);
  const recipe = path.join(work, `${part}.recipe.json`);
  if (!fs.existsSync(recipe))
    fs.writeFileSync(recipe, JSON.stringify({ ...RECIPES[part], ...changes }, null, 2));
  fs.mkdirSync(path.join(work, 'trained'), { recursive: true });
  const data = path.join(work, 'train-groups.jsonl');
  const dev = path.join(work, 'dev-groups.jsonl');
  if (!fs.existsSync(trained))
    run(training, [
      ...['train', '--part', part, '--base', base, '--data', data, '--dev', dev],
      ...['--recipe', recipe, '--out', trained, '--seed', String(seed), '--resume'],
    ]);
  if (fs.existsSync(model)) return say(`${part} is there`);
  fs.mkdirSync(path.join(work, 'models'), { recursive: true });
  const out = ['--out', `${model}.draft`, '--pull', String(pull)];
  run(training, ['merge', '--base', base, ...out, trained]);
  const figures = [base, `${model}.draft`].map((at) =>
    run(training, ['evaluate', '--data', dev, '--model', at]).trim(),
  );
  const card = cardOf(part, { counts, trained, pull, figures });
  fs.writeFileSync(path.join(`${model}.draft`, 'MODEL_CARD.md'), card);
  fs.renameSync(`${model}.draft`, model);
  say(`${part}: before\n${figures[0]}\nafter\n${figures[1]}`);
}

function cardOf(
  part: Part,
  run: {
    readonly counts: readonly SourceCount[];
    readonly trained: string;
    readonly pull: number;
    readonly figures: readonly string[];
  },
): string {
  const record = fs.readFileSync(path.join(run.trained, 'training.json'), 'utf8');
  const { seed, base } = JSON.parse(record) as { seed: number; base: string };
  const list = (isHeldOut: boolean): string =>
    run.counts
      .filter((count) => count.isHeldOut === isHeldOut)
      .map(
        ({ name, version, licence, queryCount }) =>
          `${name} ${version} (${licence}, ${queryCount})`,
      )
      .join('; ');
  return [
    `# ${part}, trained further with Nearmiss`,
    '',
    `- **Base.** The checkpoint ${base}; its licence and its card hold for this one too.`,
    `- **Data.** Comments, headings, names and tests of code, each as a query for its own chunk, with groups by \`nearmiss mine\`: ${list(false)}.`,
    `- **Held out.** Whole sources, for the figures below: ${list(true)}.`,
    `- **Recipe.** \`training.json\` beside the trained model holds recipe, seed (${seed}), versions and hashes; pull from the base ${run.pull}.`,
    '- **Measured** on the held-out sources, before and after:',
    '',
    ...run.figures.flatMap((figure) => ['```', figure, '```', '']),
  ].join('\n');
}

/** The product's command line; its standard output. Throws where it fails. */
function run({ root, home, say }: ModelTraining, args: readonly string[]): string {
  say(`nearmiss ${args.join(' ')}`);
  const all = [path.join(root, 'dist/cli.js'), ...args, '--home', home];
  const { status, stdout } = spawnSync(process.execPath, all, {
    ...{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 26 },
  });
  if (status === 0) return stdout;
  throw new Error(`nearmiss ${args[0]} ended with ${status}`);
}
