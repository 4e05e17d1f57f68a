/**
 * A checkpoint on disk, in the hub's layout: `config.json`, `tokenizer.json`, `model.onnx` or
 * `onnx/model.onnx`, and where they exist the pooling and the text templates of sentence-transformers. It is
 * known by a fingerprint of everything that decides an embedding.
 */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { NearmissError, messageOf, systemCode } from '../../base/errors';
import type { Pooling } from './pooling';

export type CheckpointKind = 'bi-encoder' | 'cross-encoder';

export interface Checkpoint {
  readonly folder: string;
  /** Hex sha256 over model, tokenizer, pooling, templates and token limit. */
  readonly fingerprint: string;
  readonly modelFile: string;
  readonly kind: CheckpointKind;
  readonly config: ModelConfig;
  readonly pooling: Pooling;
  /** What is put before a query and before a document; often empty. */
  readonly templates: { readonly query: string; readonly document: string };
  readonly dimension: number;
  /** Longest input, special tokens included. */
  readonly maxTokens: number;
}

const configSchema = z.looseObject({
  model_type: z.string(),
  hidden_size: z.int().positive().optional(),
  dim: z.int().positive().optional(),
  num_attention_heads: z.int().positive().optional(),
  max_position_embeddings: z.int().positive().default(512),
  architectures: z.array(z.string()).nullish(),
  pad_token_id: z.int().nullish(),
});
export type ModelConfig = z.infer<typeof configSchema>;

const MODEL_FILES = ['model.onnx', 'onnx/model.onnx'];
const ADVICE = 'Fetch the checkpoint again, with all of its files';

/** More than this gains nothing for chunks and costs memory quadratically. */
const MOST_TOKENS = 1024;

/** Reads and checks everything but the graph. Throws a NearmissError('model') that names the file at fault. */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const config = await readJson(path.join(folder, 'config.json'), configSchema);
  if (!config) throw missing(path.join(folder, 'config.json'));
  const dimension = config.hidden_size ?? config.dim;
  if (!dimension) {
    throw new NearmissError('model', `${folder}/config.json does not say hidden_size`, ADVICE);
  }
  const modelFile = await findModelFile(folder);
  const settings = {
    pooling: await readPooling(folder),
    templates: await readTemplates(folder),
    maxTokens: await readMaxTokens(folder, config),
  };
  const isCross = config.architectures?.some((name) => name.endsWith('ForSequenceClassification'));
  return {
    folder,
    fingerprint: await fingerprintOf(modelFile, path.join(folder, 'tokenizer.json'), settings),
    modelFile,
    kind: isCross ? 'cross-encoder' : 'bi-encoder',
    config,
    dimension,
    ...settings,
  };
}

/** The same of a folder that a person named. Throws a NearmissError('usage') where it is a folder of something else. */
export async function readGivenCheckpoint(folder: string): Promise<Checkpoint> {
  const names = ['config.json', 'tokenizer.json', ...MODEL_FILES];
  const stats = await Promise.all(
    names.map((name) => fs.stat(path.join(folder, name)).catch(() => undefined)),
  );
  if (stats.some((stat) => stat?.isFile())) return readCheckpoint(folder);
  throw new NearmissError(
    'usage',
    `${folder} is no checkpoint: it has neither config.json nor tokenizer.json nor model.onnx`,
    'Name a folder that holds all three, such as models/bi-encoder where Nearmiss is installed',
  );
}

/** Throws a NearmissError('model') when the checkpoint is not the one that was recorded. */
export function verifyCheckpoint(checkpoint: Checkpoint, expected: string): void {
  if (checkpoint.fingerprint === expected) return;
  throw new NearmissError(
    'model',
    `The model in ${checkpoint.folder} is damaged: its sha256 is not the one recorded for it`,
    'Install Nearmiss again, or restore the files of this folder',
  );
}

/** The fingerprints recorded for the bundled checkpoints, by folder name below `models`. */
export async function readFingerprints(modelsFolder: string): Promise<Record<string, string>> {
  const file = path.join(modelsFolder, 'fingerprints.json');
  const recorded = await readJson(file, z.record(z.string(), z.string().length(64)));
  if (!recorded) throw missing(file);
  return recorded;
}

async function findModelFile(folder: string): Promise<string> {
  for (const name of MODEL_FILES) {
    const file = path.join(folder, name);
    const stat = await fs.stat(file).catch(() => undefined);
    if (stat?.isFile()) return file;
  }
  throw missing(path.join(folder, 'model.onnx'));
}

/** The bytes of a checkpoint's model. Throws a NearmissError('model') when the file cannot be read. */
export async function readModelBytes(modelFile: string): Promise<Uint8Array> {
  try {
    return await fs.readFile(modelFile);
  } catch (error) {
    throw unreadable(modelFile, error);
  }
}

/** Streams both files, so that a large checkpoint is never whole in memory just to be known. */
async function fingerprintOf(
  modelFile: string,
  tokenizerFile: string,
  settings: object,
): Promise<string> {
  const hash = crypto.createHash('sha256');
  for (const file of [modelFile, tokenizerFile]) {
    try {
      const handle = await fs.open(file);
      for await (const part of handle.createReadStream({ highWaterMark: 1 << 20 })) {
        hash.update(part as Buffer);
      }
    } catch (error) {
      throw unreadable(file, error);
    }
  }
  return hash.update(JSON.stringify(settings)).digest('hex');
}

const poolingSchema = z.looseObject({
  pooling_mode_cls_token: z.boolean().default(false),
  pooling_mode_mean_tokens: z.boolean().default(false),
  pooling_mode_max_tokens: z.boolean().default(false),
  pooling_mode_mean_sqrt_len_tokens: z.boolean().default(false),
});

async function readPooling(folder: string): Promise<Pooling> {
  const file = path.join(folder, '1_Pooling', 'config.json');
  const modes = await readJson(file, poolingSchema);
  if (!modes) return 'mean';
  const chosen: Pooling[] = [];
  if (modes.pooling_mode_cls_token) chosen.push('cls');
  if (modes.pooling_mode_mean_tokens) chosen.push('mean');
  if (modes.pooling_mode_max_tokens) chosen.push('max');
  if (modes.pooling_mode_mean_sqrt_len_tokens) chosen.push('meanSqrtLength');
  if (chosen.length === 1) return chosen[0]!;
  const message = `${file} asks for ${chosen.length} poolings, and exactly one is supported`;
  throw new NearmissError('model', message, 'Use a checkpoint with one pooling mode');
}

const templatesSchema = z.looseObject({ prompts: z.record(z.string(), z.string()).nullish() });

async function readTemplates(folder: string): Promise<Checkpoint['templates']> {
  const file = path.join(folder, 'config_sentence_transformers.json');
  const prompts = (await readJson(file, templatesSchema))?.prompts ?? {};
  return {
    query: prompts['query'] ?? '',
    document: prompts['document'] ?? prompts['passage'] ?? '',
  };
}

const sentenceSchema = z.looseObject({ max_seq_length: z.int().positive().nullish() });

async function readMaxTokens(folder: string, config: ModelConfig): Promise<number> {
  const file = path.join(folder, 'sentence_bert_config.json');
  const limit = (await readJson(file, sentenceSchema))?.max_seq_length ?? Infinity;
  // RoBERTa counts positions from the padding id on, so two of its positions are never used.
  const isRoberta = config.model_type.includes('roberta');
  const positions = config.max_position_embeddings - (isRoberta ? 2 : 0);
  return Math.min(positions, limit, MOST_TOKENS);
}

/** The checked content of a JSON file, undefined when there is none. */
async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await fs.readFile(file, 'utf8')));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unreadable(file, error);
  }
}

function missing(file: string): NearmissError {
  return new NearmissError('model', `The checkpoint has no ${file}`, ADVICE);
}

function unreadable(file: string, cause: unknown): NearmissError {
  if (systemCode(cause) === 'ENOENT') return missing(file);
  const reason =
    cause instanceof z.ZodError
      ? cause.issues.map((issue) => issue.message).join(', ')
      : messageOf(cause);
  return new NearmissError('model', `${file} cannot be used: ${reason}`, ADVICE, { cause });
}
