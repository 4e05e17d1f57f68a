/**
 * A version's own encoder and its vectors, as long as the version is in memory. The version answers by them only when they
 * are complete, that is when every chunk with a vector of the base has one of this encoder as well; once they were, chunks
 * that come later are without for a moment, as they are in the base.
 */
import { Shared } from '../base/lifecycle';
import type { Embedder } from './encoders/types';
import type { HeldVectors, VersionEncoder } from './secondVectors';
import type { FurtherState } from './store/types';

export interface OwnEncoderParts {
  readonly openEncoder: (checkpointFolder: string) => Promise<Embedder>;
  readonly hold: (encoder: VersionEncoder) => Promise<HeldVectors>;
}

interface Opened {
  readonly embedder: Embedder;
  readonly vectors: HeldVectors;
}

export class OwnEncoder {
  private shared: Shared<Embedder> | undefined;
  private vectors: HeldVectors | undefined;
  private wasComplete = false;
  private isRetired = false;
  /** Settles when the encoder is open and those vectors that are there are in memory; rejects where that cannot be. */
  readonly opened: Promise<void>;

  constructor(
    private readonly encoder: VersionEncoder,
    private readonly parts: OwnEncoderParts,
  ) {
    this.opened = this.open();
    // Whoever waits is told; nobody may.
    this.opened.catch(() => undefined);
  }

  /** Whether searches can have it now. */
  get isUsable(): boolean {
    this.wasComplete ||= this.vectors?.state()?.lackingCount === 0;
    return this.wasComplete && this.shared !== undefined;
  }

  get state(): FurtherState | undefined {
    return this.vectors?.state();
  }

  /** The embedder for one search, to its end; its vectors stay in memory as long. */
  acquire(): ReturnType<Shared<Embedder>['acquire']> | undefined {
    return this.shared?.acquire();
  }

  /** No search gets it any more; it goes with the last that has it. */
  retire(): void {
    this.isRetired = true;
    this.shared?.retire();
  }

  private async open(): Promise<void> {
    const { embedder, vectors } = await this.openBoth();
    this.vectors = vectors;
    this.shared = new Shared({
      space: embedder.space,
      embedDocuments: (texts, signal) => embedder.embedDocuments(texts, signal),
      embedQuery: (text, signal) => embedder.embedQuery(text, signal),
      dispose() {
        embedder.dispose();
        vectors.dispose();
      },
    });
    if (this.isRetired) this.shared.retire();
  }

  private async openBoth(): Promise<Opened> {
    const { openEncoder, hold } = this.parts;
    const embedder = await openEncoder(this.encoder.checkpointFolder);
    try {
      return { embedder, vectors: await hold(this.encoder) };
    } catch (error) {
      embedder.dispose();
      throw error;
    }
  }
}
