/**
 * Looks into a checkpoint from elsewhere and makes the copy of it that we keep. Runs in the probe's process, for
 * nothing about the files is known yet. Let through are plain encoders of BERT's family whose graph uses the
 * standard operators and ONNX Runtime's own.
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { NearmissError, systemCode } from '../../base/errors';
import { decodeModel, encodeModel } from '../onnx/codec';
import { graphOf, type Graph } from '../onnx/graph';
import { innerGraphs, type Model } from '../onnx/model';
import { createEmbedder } from './biEncoder';
import { type Checkpoint, readCheckpoint, readModelBytes } from './checkpoint';
import { createReranker } from './crossEncoder';
import { takeInExternalData } from './externalData';
import { createSession } from './session';
import { loadTokenizer } from './tokenizer';

export interface StageRequest {
  readonly kind: 'checkpoint';
  /** The user's folder, in the hub's layout. */
  readonly source: string;
  /** An empty folder for the copy. */
  readonly staging: string;
  /** Text templates that replace those of the checkpoint. */
  readonly templates?: Templates;
}

/** What is put before a query and before a document. */
export interface Templates {
  readonly query?: string;
  readonly document?: string;
}

/** What was found out about the copy. */
export interface StagedCheckpoint {
  readonly fingerprint: string;
  readonly kind: Checkpoint['kind'];
  readonly dimension: number;
}

/** Everything beside the model that decides an embedding, and what a person may want to read. */
const SIDE_FILES = [
  'config.json',
  'tokenizer.json',
  '1_Pooling/config.json',
  'sentence_bert_config.json',
  'modules.json',
  'README.md',
];
const TEMPLATE_FILE = 'config_sentence_transformers.json';

const DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx', 'com.microsoft']);
const INPUTS: ReadonlySet<string> = new Set(['input_ids', 'attention_mask', 'token_type_ids']);
/** The steps of sentence-transformers that we do; its Normalize is always done. */
const KNOWN_MODULES = /\.(Transformer|Pooling|Normalize)$/;

/** Copies, checks, and embeds one text with the copy. Throws a NearmissError that says what is wrong. */
export async function stageCheckpoint(request: StageRequest): Promise<StagedCheckpoint> {
  const { source, staging, templates } = request;
  const original = await readCheckpoint(source);
  await checkModules(source);
  await copySideFiles(source, staging);
  await writeTemplates(source, staging, templates);
  const model = decodeModel(await readModelBytes(original.modelFile));
  const graph = graphOf(model);
  checkOperators(model, graph);
  checkInputs(graph);
  await takeInExternalData(graph.proto, path.dirname(original.modelFile));
  graph.check();
  const bytes = encodeModel(model);
  await fs.writeFile(path.join(staging, 'model.onnx'), bytes, { mode: 0o600 });
  const copy = await readCheckpoint(staging);
  await tryOut(copy, bytes);
  return { fingerprint: copy.fingerprint, kind: copy.kind, dimension: copy.dimension };
}

async function copySideFiles(source: string, staging: string): Promise<void> {
  for (const name of SIDE_FILES) {
    const bytes = await readIfThere(path.join(source, name));
    if (!bytes) continue;
    const target = path.join(staging, name);
    await fs.mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
    await fs.writeFile(target, bytes, { mode: 0o600 });
  }
}

async function writeTemplates(
  source: string,
  staging: string,
  templates: Templates | undefined,
): Promise<void> {
  const known = await readIfThere(path.join(source, TEMPLATE_FILE));
  if (!known && !templates) return;
  const config = (known ? JSON.parse(known.toString('utf8')) : {}) as { prompts?: object };
  const prompts = { ...config.prompts, ...templates };
  const text = `${JSON.stringify({ ...config, prompts }, null, 2)}\n`;
  await fs.writeFile(path.join(staging, TEMPLATE_FILE), text, { mode: 0o600 });
}

/** A Dense layer after the pooling would be left out without a word. */
async function checkModules(source: string): Promise<void> {
  const list = await readIfThere(path.join(source, 'modules.json'));
  if (!list) return;
  const modules: unknown = JSON.parse(list.toString('utf8'));
  const types = (Array.isArray(modules) ? modules : []).map((module: { type?: unknown }) =>
    String(module.type),
  );
  const unknown = types.find((type) => !KNOWN_MODULES.test(type));
  if (unknown) throw refused(source, `its step ${unknown} is not supported`);
}

function checkOperators(model: Model, graph: Graph): void {
  const visit = (nodes: Graph['proto']['node']): void => {
    for (const node of nodes) {
      if (!DOMAINS.has(node.domain)) {
        throw refused(
          'the model',
          `its operator ${node.domain}.${node.opType} is not a standard one`,
        );
      }
      for (const inner of innerGraphs(node)) visit(inner.node);
    }
  };
  visit(graph.proto.node);
  for (const body of model.functions) visit(body.node);
}

function checkInputs(graph: Graph): void {
  const initializers = new Set(graph.initializers.map(({ name }) => name));
  const inputs = graph.inputs.map(({ name }) => name).filter((name) => !initializers.has(name));
  const unknown = inputs.find((name) => !INPUTS.has(name));
  if (unknown !== undefined) throw refused('the model', `it asks for the input ${unknown}`);
  if (!inputs.includes('input_ids')) throw refused('the model', 'it has no input input_ids');
}

/** One text through the copy: the shapes are right and the numbers finite, or it throws. */
async function tryOut(checkpoint: Checkpoint, bytes: Uint8Array): Promise<void> {
  const tokenizer = await loadTokenizer(checkpoint.folder);
  const session = await createSession(bytes);
  const parts = { checkpoint, tokenizer, session, arithmetic: 'fp32' };
  const text = 'how are settings read from a file';
  if (checkpoint.kind === 'cross-encoder') {
    const reranker = createReranker(parts);
    await reranker.score(text, ['function readSettings(file) {}']);
    reranker.dispose();
    return;
  }
  const embedder = createEmbedder(parts);
  const embedding = await embedder.embedQuery(text);
  embedder.dispose();
  if (embedding.every((value) => value === 0)) throw refused('the model', 'it gives only zeros');
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await fs.readFile(file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function refused(what: string, reason: string): NearmissError {
  return new NearmissError(
    'model',
    `The checkpoint cannot be used: ${what === 'the model' ? reason : `${what}: ${reason}`}`,
    'Use a plain encoder of the BERT family, exported to ONNX with its token states as output',
  );
}
