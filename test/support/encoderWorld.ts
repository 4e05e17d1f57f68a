/**
 * A folder in which an encoder has something to learn: questions are asked in words that no file has, and each kind of
 * question is answered by files of one kind. Nothing but meaning can bring them together, and the toy knows no meaning yet.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { sample, seededRandom } from '../../src/base/random';
import { readCheckpoint } from '../../src/engine/encoders/checkpoint';
import { inLearnedSpace } from '../../src/engine/encoders/learnedSpace';
import { openEmbedder, openReranker } from '../../src/engine/encoders/openEncoder';
import type { Embedder, Reranker } from '../../src/engine/encoders/types';
import { placeOf, withId } from '../../src/engine/feedback/mark';
import type { KeptMark } from '../../src/engine/feedback/marks';
import type { LearnMeans, LearnOrder } from '../../src/engine/learning/learn';
import { VersionStore } from '../../src/engine/learning/versionStore';
import { DEFAULT_WEIGHTS } from '../../src/engine/search/weights';
import { openDatabase } from '../../src/engine/store/database';
import type { Snapshot } from '../../src/engine/store/types';
import { openFolderReader } from '../../src/engine/store/store';
import { RunControl } from '../../src/engine/training/control';
import type { RecipeChanges } from '../../src/engine/training/recipe';
import { writeFiles } from './temporaryFolder';
import { settle, startIndexing } from './toyIndexing';
import { writeToyCheckpoint } from './toyCheckpoint';

/** What is asked with the first word, one that the toy reads whole, is answered by files of the second. */
const KINDS = [
  ['function', 'zq9x'],
  ['return', 'wv7k'],
  ['const', 'jb3y'],
  ['class', 'm5pu'],
  ['file', 'h0ft'],
  ['read', 'g4ln'],
] as const;
const FILES_A_KIND = 2;
const FILLERS = 'acdefghiklmnoprstuvwy'.split('');

const CHOICE = { arithmetic: 'fp32', provider: 'cpu' } as const;

function encoderFiles(): Record<string, string> {
  const files: Record<string, string> = {};
  for (const [, word] of KINDS)
    for (let at = 0; at < FILES_A_KIND; at++)
      files[`src/${word}${at}.ts`] = `${`${word} `.repeat(3 + at)}\n`;
  return files;
}

/** Questions of every kind, each answered by a file of its kind and not by one of the next. */
export function encoderQuestions(
  count: number,
): { readonly query: string; readonly right: string; readonly wrong: string }[] {
  return Array.from({ length: count }, (_, at) => {
    const kind = at % KINDS.length;
    const file = (which: number): string =>
      `src/${KINDS[which % KINDS.length]![1]}${Math.floor(at / KINDS.length) % FILES_A_KIND}.ts`;
    const random = seededRandom(at + 1);
    const filler = (): string =>
      Array.from({ length: 1 + Math.floor(random() * 6) }, () => sample(FILLERS, 1, random)).join(
        '',
      );
    const [word] = KINDS[kind]!;
    const query = `${filler()} ${word} ${filler()} ${word}`;
    return { query, right: file(kind), wrong: file(kind + 1) };
  });
}

function kindOf(file: string): string[] {
  return Array.from({ length: FILES_A_KIND }, (_, at) => file.replace(/\d\.ts$/, `${at}.ts`));
}

/** A right and a wrong mark for each question, one a minute; or every file of its kind as right. */
function encoderMarks(snapshot: Snapshot, count: number, marksAll: boolean): KeptMark[] {
  return encoderQuestions(count).flatMap(({ query, right, wrong }, at) =>
    [...(marksAll ? kindOf(right) : [right]), wrong].map((file) => {
      const chunk = snapshot.chunksAt(file, 0, 10)[0]!;
      const time = new Date(Date.UTC(2026, 0, 1, 0, at)).toISOString();
      const verdict = file === wrong ? 'notRelevant' : 'relevant';
      const mark = withId({ query, ...placeOf(chunk, file), verdict, time, checkpoint: '' });
      return { mark, origin: mark, near: [] };
    }),
  );
}

/** The same marks, half of which say the contrary of the other half on each kind of question. */
export function contradicting(marks: readonly KeptMark[], marksAQuestion: number): KeptMark[] {
  return marks.map(({ mark, ...rest }, at) => {
    const isOther = Math.floor(at / (KINDS.length * marksAQuestion)) % 2 === 0;
    const other = mark.verdict === 'relevant' ? 'notRelevant' : 'relevant';
    const verdict = isOther ? other : mark.verdict;
    return { ...rest, mark: { ...mark, verdict }, origin: { ...rest.origin, verdict } };
  });
}

/** A recipe that moves a toy in a second. */
export const TOY_RECIPE: RecipeChanges = {
  ...{ scope: 'all', trainEmbeddings: true, learningRate: 0.005, steps: 60, evaluateEvery: 60 },
  ...{
    threads: 1,
    niceness: 0,
    duplicateCosine: 1,
    rows: 8,
    negatives: 2,
    anchorTexts: 6,
    anchor: 25,
  },
};

export interface EncoderWorld {
  readonly folder: string;
  readonly data: string;
  readonly embedder: Embedder;
  readonly snapshot: Snapshot;
  readonly means: LearnMeans;
  readonly order: LearnOrder;
  /** Spaces of the file of embeddings, and how many vectors each has. */
  spaces(): Map<string, number>;
  close(): Promise<void>;
}

/** The same for a re-ranker; without the decay it would learn the questions by heart. */
export const TOY_RERANKER_RECIPE: RecipeChanges = {
  ...{ scope: 'all', trainEmbeddings: true, learningRate: 0.005, weightDecay: 2, rows: 8 },
  ...{ steps: 200, evaluateEvery: 200, negatives: 7, weights: 'fp32' },
  ...{ threads: 1, niceness: 0, duplicateCosine: 1 },
};

function openToyReranker(folder: string): Promise<Reranker> {
  return readCheckpoint(folder).then((own) => openReranker(own, { choice: CHOICE, threads: 1 }));
}

/** The folder indexed and embedded by a toy checkpoint, with marks that say what answers what; re-ranked only if asked for. */
export async function openEncoderWorld(
  root: string,
  questionCount: number,
  { reranks = false } = {},
): Promise<EncoderWorld> {
  const [folder, data] = [path.join(root, 'folder'), path.join(root, 'data')];
  fs.mkdirSync(folder, { recursive: true });
  writeFiles(folder, encoderFiles());
  settle(folder);
  const biEncoderFolder = writeToyCheckpoint(path.join(root, 'base'), {
    hiddenSize: 32,
    layerCount: 1,
  });
  const checkpoint = await readCheckpoint(biEncoderFolder);
  const embedder = await openEmbedder(checkpoint, { choice: CHOICE, threads: 1 });
  const indexing = startIndexing(folder, data, { embedder: { ...embedder, texts: [] } });
  await indexing.next('done');
  const index = path.join(data, 'index', 'index.db');
  const embeddingsFile = path.join(data, 'embeddings.db');
  const reader = openFolderReader(index, { embeddingsFile, spaceId: embedder.space.id });
  await reader.refresh();
  const snapshot = reader.snapshot();
  const crossEncoderFolder = path.join(root, 'cross');
  if (reranks)
    writeToyCheckpoint(crossEncoderFolder, {
      ...{ kind: 'cross-encoder', hiddenSize: 32, layerCount: 2 },
    });
  const reranker = reranks ? await openToyReranker(crossEncoderFolder) : undefined;
  const means: LearnMeans = {
    // The first stage knows nothing here: it is to count as little as it can.
    index: { snapshot, embedder, reranker, weights: { ...DEFAULT_WEIGHTS, rerank: 50 } },
    ...{ folder, dataFolder: data, biEncoderFolder },
    ...{ crossEncoderFolder, control: new RunControl(), seed: 1 },
    openReranker: openToyReranker,
    openEncoder: async (own) =>
      inLearnedSpace(await openEmbedder(await readCheckpoint(own), { choice: CHOICE, threads: 1 })),
    ...{ onNews: () => undefined, onLimits: () => undefined, tellRun: () => undefined },
  };
  const order: LearnOrder = {
    store: new VersionStore(path.join(data, 'learning')),
    marks: encoderMarks(snapshot, questionCount, reranks),
    base: { biEncoder: checkpoint.fingerprint, crossEncoder: 'none' },
    ...{ rerankCount: 12, resume: true, niceness: 0, tiers: ['encoder'], from: { encoder: 20 } },
    recipes: { encoder: TOY_RECIPE },
  };
  return {
    ...{ folder, data, embedder, snapshot, means, order },
    spaces: () => spacesOf(embeddingsFile),
    async close() {
      snapshot.dispose();
      reader.dispose();
      await indexing.stop();
      embedder.dispose();
      reranker?.dispose();
    },
  };
}

function spacesOf(embeddingsFile: string): Map<string, number> {
  const database = openDatabase(embeddingsFile, { isReadOnly: true });
  try {
    const rows = database
      .prepare<[string, number]>(
        'SELECT name, count(*) FROM space JOIN embedding ON space = space.id GROUP BY name',
      )
      .all();
    return new Map(rows);
  } finally {
    database.dispose();
  }
}
