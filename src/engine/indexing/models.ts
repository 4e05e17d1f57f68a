/**
 * The models that indexing uses, each loaded when it is first needed: line windows need none, so that words
 * come first; splitting needs the tokenizer and grammars; only then a session is worth its time and memory.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { messageOf } from '../../base/errors';
import type { Logger } from '../../base/log';
import { ChunkSplitter } from '../documents/chunk';
import { defaultGrammarFolder } from '../documents/grammars';
import { spaceOf } from '../encoders/biEncoder';
import { readCheckpoint } from '../encoders/checkpoint';
import { openEmbedder } from '../encoders/openEncoder';
import { loadStaticEncoder } from '../encoders/staticEncoder';
import { loadTokenizer } from '../encoders/tokenizer';
import type { Embedder, StaticEncoder, Tokenizer } from '../encoders/types';
import { withEmbeddings } from './chunks';
import { LazyEmbedder } from './lazyEmbedder';
import type { EmbedderChoice } from './messages';
import type { Splitter } from './rooms';

/** To be raised with any change to how documents are cut, so that indexes made before are made anew. */
const SPLITTER_VERSION = 1;

/** Names how documents are cut and embedded by `loadSplitter`, without loading anything. */
export async function splitterVersion(modelsFolder: string): Promise<string> {
  const config = path.join(modelsFolder, 'static-encoder', 'config.json');
  const text = await fs.readFile(config, 'utf8').catch(() => 'none');
  return `${SPLITTER_VERSION}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/** The splitter with the bundled tokenizer, all grammars and the static encoder, in this thread. */
export async function loadSplitter(modelsFolder: string, log: Logger): Promise<Splitter> {
  const tokenizer = await loadTokenizer(path.join(modelsFolder, 'bi-encoder'));
  const countTokens = (text: string): number => tokenizer.countTokens(text);
  const splitter = await ChunkSplitter.create({
    grammarFolder: defaultGrammarFolder(),
    countTokens,
  });
  const staticEncoder = await loadStatic(modelsFolder, tokenizer, log);
  return {
    split: async (document) =>
      withEmbeddings(document, await splitter.split(document), staticEncoder),
    dispose: () => splitter.dispose(),
  };
}

/** Without its table this tier is left out; the others stand. */
async function loadStatic(
  modelsFolder: string,
  tokenizer: Tokenizer,
  log: Logger,
): Promise<StaticEncoder | undefined> {
  try {
    return await loadStaticEncoder(path.join(modelsFolder, 'static-encoder'), tokenizer);
  } catch (error) {
    log.warn('No static embeddings', { reason: messageOf(error) });
    return undefined;
  }
}

export interface ChosenEmbedderOptions {
  readonly dataFolder: string;
  readonly log: Logger;
  /** Told once when the device fails and the processor takes over. */
  readonly onLost?: (reason: string) => void;
}

/** The embedder of a choice: its space is known now, its session is made when the first text comes. */
export async function openChosenEmbedder(
  choice: EmbedderChoice,
  { dataFolder, log, onLost }: ChosenEmbedderOptions,
): Promise<Embedder> {
  const { checkpointFolder, arithmetic, provider = 'cpu', threadCount } = choice;
  const checkpoint = await readCheckpoint(checkpointFolder);
  const options = {
    choice: { arithmetic, provider },
    folder: path.join(dataFolder, 'models'),
    threads: threadCount ?? defaultThreadCount(),
    log,
    onLost,
  };
  const load = (): Promise<Embedder> => openEmbedder(checkpoint, options);
  return new LazyEmbedder({ space: spaceOf(checkpoint, arithmetic), load });
}

/** Half of the cores: the others are for the person. */
function defaultThreadCount(): number {
  return Math.max(1, Math.floor(os.availableParallelism() / 2));
}
