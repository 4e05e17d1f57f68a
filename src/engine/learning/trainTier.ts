/**
 * Trains one part on some of the groups, by the trainer that `nearmiss train` runs, into a folder of the run. What is
 * there already was trained by the same run before it was stopped, and is taken as it is.
 */
import * as fs from 'node:fs';
import * as fsp from 'node:fs/promises';
import * as path from 'node:path';
import { ADAPTER_FILE, readHead } from '../encoders/heads';
import type { Embedder, Reranker } from '../encoders/types';
import type { SearchContext } from '../search/types';
import type { RunControl } from '../training/control';
import type { TrainingNews } from '../training/context';
import { readRunRecord, writeWhole } from '../training/runFiles';
import type { Part, Recipe, RecipeChanges } from '../training/recipe';
import { train } from '../training/train';
import { type Contestant, rememberScores } from './arena';
import { writeRecords } from './groups';
import { CROSS_ENCODER_FOLDER, ENCODER_FOLDER, readWeights, WEIGHTS_FILE } from './learnedVersion';
import {
  learnWords,
  readWordsFile,
  wordExamples,
  wordMap,
  WORDS_FILE,
  writeWords,
} from './learnedWords';
import type { MarkedQuery } from './markData';
import type { LearningTier } from './report';

export interface TierMeans {
  readonly index: SearchContext;
  readonly folder: string;
  readonly dataFolder: string;
  /** Checkpoints that training starts from, always the base. */
  readonly biEncoderFolder: string;
  readonly crossEncoderFolder: string;
  readonly openReranker: (checkpointFolder: string) => Promise<Reranker>;
  /** An encoder that was learned, in its own space. */
  readonly openEncoder: (checkpointFolder: string) => Promise<Embedder>;
  readonly control: RunControl;
  readonly seed: number;
  readonly onNews: (news: TrainingNews) => void;
  readonly onLimits: (limits: { readonly memoryBytes: number; readonly niceness: number }) => void;
}

export interface TierTask {
  readonly part: Part;
  readonly records: readonly object[];
  readonly recipe: RecipeChanges;
  /** Where the result goes. */
  readonly out: string;
  /** Records to stop early on, in place of a share of the others. */
  readonly dev?: readonly object[];
}

/** Trains, unless it was done before. */
export async function trainTier(task: TierTask, means: TierMeans): Promise<void> {
  const { part, records, recipe, out, dev } = task;
  if (fs.existsSync(out)) return;
  await fsp.mkdir(path.dirname(out), { recursive: true, mode: 0o700 });
  const [data, recipeFile, devFile] = [`${out}.jsonl`, `${out}.recipe.json`, `${out}.dev.jsonl`];
  await writeRecords(data, records);
  if (dev) await writeRecords(devFile, dev);
  await fsp.writeFile(recipeFile, JSON.stringify(recipe));
  const { control, onNews, onLimits, index, folder, dataFolder, seed } = means;
  const base = part === 'cross-encoder' ? means.crossEncoderFolder : means.biEncoderFolder;
  const before = process.cpuUsage();
  await train(
    {
      ...{ data, base, part, folder, out, seed, dataFolder, recipe: recipeFile },
      ...{ device: 'cpu', resume: fs.existsSync(`${out}.training`) },
      dev: dev && devFile,
    },
    { control, onNews, onNote: () => undefined, onLimits, index },
  );
  const { user, system } = process.cpuUsage(before);
  await writeWhole(secondsFile(out), `${(user + system) / 1e6}`);
}

/** Processor seconds of a training, which other programs do not lengthen; undefined where it was stopped before they were noted. */
export async function trainingSeconds(out: string): Promise<number | undefined> {
  const text = await fsp.readFile(secondsFile(out), 'utf8').catch(() => '');
  return text === '' ? undefined : Number(text);
}

function secondsFile(out: string): string {
  return `${out}.seconds`;
}

/** Counts what words stand for, unless it was done before. */
export async function trainWords(
  queries: readonly MarkedQuery[],
  out: string,
  { index }: Pick<TierMeans, 'index'>,
): Promise<void> {
  if (fs.existsSync(out)) return;
  const learned = learnWords(wordExamples(index.snapshot, queries), index.snapshot);
  await fsp.mkdir(`${out}.counting`, { recursive: true, mode: 0o700 });
  await writeWords(path.join(`${out}.counting`, WORDS_FILE), learned);
  await fsp.rename(`${out}.counting`, out);
}

/** What was trained into the folder, as a search takes it. Whoever asks disposes the re-ranker. Encoders: `tryEncoder`. */
export async function openTier(
  tier: Exclude<LearningTier, 'encoder'>,
  out: string,
  openReranker: TierMeans['openReranker'],
): Promise<Contestant> {
  if (tier === 'words') return { words: wordMap(await readWordsFile(path.join(out, WORDS_FILE))) };
  if (tier === 'fusion') return { weights: await readWeights(path.join(out, WEIGHTS_FILE)) };
  if (tier === 'cross-encoder') return { reranker: rememberScores(await openReranker(out)) };
  const head = await readHead(path.join(out, ADAPTER_FILE));
  return { learned: { head, level: await levelOf(out), mapsSimilar: true } };
}

/** The straight line back to the level of the base, as the trainer fitted it. */
async function levelOf(
  out: string,
): Promise<{ readonly factor: number; readonly shift: number } | undefined> {
  const record: Readonly<Record<string, unknown>> | undefined = await readRunRecord(out);
  const level = record?.level as
    { readonly toBase?: { readonly factor: number; readonly shift: number } } | undefined;
  const { factor, shift } = level?.toBase ?? {};
  return factor !== undefined && shift !== undefined && factor > 0 ? { factor, shift } : undefined;
}

/** How much a map was trained on mixed negatives; undefined where that cannot be read. */
export async function mixingOf(out: string): Promise<Recipe['hnm'] | undefined> {
  const record: Readonly<Record<string, unknown>> | undefined = await readRunRecord(out);
  return (record?.recipe as Recipe | undefined)?.hnm;
}

/** Copies what was trained to where a version keeps it. */
export async function copyTier(tier: LearningTier, out: string, draft: string): Promise<void> {
  await fsp.mkdir(draft, { recursive: true, mode: 0o700 });
  if (tier === 'cross-encoder')
    await fsp.cp(out, path.join(draft, CROSS_ENCODER_FOLDER), { recursive: true });
  else if (tier === 'encoder')
    await fsp.cp(out, path.join(draft, ENCODER_FOLDER), { recursive: true });
  else await fsp.copyFile(path.join(out, fileOf(tier)), path.join(draft, fileOf(tier)));
}

/** What of a small part is kept; the rest says how it was trained. */
export function fileOf(tier: Exclude<LearningTier, 'cross-encoder' | 'encoder'>): string {
  return tier === 'words' ? WORDS_FILE : tier === 'fusion' ? WEIGHTS_FILE : ADAPTER_FILE;
}
