/**
 * The models that indexing uses, each loaded when it is first needed: line windows need none, so that words
 * come first; splitting needs the tokenizer and grammars; only then a session is worth its time and memory.
 */
import * as os from 'node:os';
import * as path from 'node:path';
import { messageOf } from '../../base/errors';
import type { Disposable } from '../../base/lifecycle';
import type { Logger } from '../../base/log';
import { ChunkSplitter } from '../documents/chunk';
import { defaultGrammarFolder } from '../documents/grammars';
import { spaceOf } from '../encoders/biEncoder';
import { readCheckpoint } from '../encoders/checkpoint';
import { openEmbedder } from '../encoders/openEncoder';
import { loadStaticEncoder } from '../encoders/staticEncoder';
import { loadTokenizer } from '../encoders/tokenizer';
import type { Embedder, StaticEncoder, Tokenizer } from '../encoders/types';
import { LazyEmbedder } from './lazyEmbedder';
import type { EmbedderChoice } from './messages';
import type { Splitters } from './rooms';

/** To be raised with any change to how documents are cut, so that indexes made before are made anew. */
const SPLITTER_VERSION = 1;

export class IndexingModels implements Disposable {
  private tokenizer: Promise<Tokenizer> | undefined;
  private splitter: Promise<ChunkSplitter> | undefined;
  private loading: Promise<Splitters> | undefined;

  constructor(
    private readonly modelsFolder: string,
    private readonly dataFolder: string,
    private readonly log: Logger,
  ) {}

  /** The embedder of a choice: its space is known now, its session is made when the first text comes. */
  async openEmbedder(choice: EmbedderChoice): Promise<Embedder> {
    const { checkpointFolder, arithmetic, provider = 'cpu', threadCount } = choice;
    const checkpoint = await readCheckpoint(checkpointFolder);
    const options = {
      choice: { arithmetic, provider },
      folder: path.join(this.dataFolder, 'models'),
      threads: threadCount ?? defaultThreadCount(),
      log: this.log,
    };
    const load = (): Promise<Embedder> => openEmbedder(checkpoint, options);
    return new LazyEmbedder({ space: spaceOf(checkpoint, arithmetic), load });
  }

  /** The splitter and the static encoder. A failure is tried again at the next call. */
  splitters(): Promise<Splitters> {
    this.loading ??= this.loadSplitters().catch((error: unknown) => {
      this.loading = undefined;
      throw error;
    });
    return this.loading;
  }

  dispose(): void {
    this.splitter?.then((splitter) => splitter.dispose()).catch(() => undefined);
  }

  private async loadSplitters(): Promise<Splitters> {
    this.tokenizer ??= loadTokenizer(path.join(this.modelsFolder, 'bi-encoder'));
    const tokenizer = await this.tokenizer;
    const countTokens = (text: string): number => tokenizer.countTokens(text);
    this.splitter ??= ChunkSplitter.create({ grammarFolder: defaultGrammarFolder(), countTokens });
    const [splitter, staticEncoder] = await Promise.all([
      this.splitter,
      this.loadStatic(tokenizer),
    ]);
    return {
      version: `${SPLITTER_VERSION}-${staticEncoder?.fingerprint ?? 'none'}`,
      split: (document) => splitter.split(document),
      staticEncoder,
    };
  }

  /** Without its table this tier is left out; the others stand. */
  private async loadStatic(tokenizer: Tokenizer): Promise<StaticEncoder | undefined> {
    try {
      return await loadStaticEncoder(path.join(this.modelsFolder, 'static-encoder'), tokenizer);
    } catch (error) {
      this.log.warn('No static embeddings', { reason: messageOf(error) });
      return undefined;
    }
  }
}

/** Half of the cores: the others are for the person. */
function defaultThreadCount(): number {
  return Math.max(1, Math.floor(os.availableParallelism() / 2));
}
