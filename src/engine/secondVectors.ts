/**
 * The second sets of vectors, those of encoders that were learned: which folders need which, told to whoever keeps them in
 * memory and to whoever embeds. A set is in memory only as long as somebody holds it, a version in use, one that is compared,
 * or a search that began with either.
 */
import { BugError } from '../base/errors';
import type { Disposable } from '../base/lifecycle';
import { learnedSpacesOf } from './encoders/learnedSpace';
import type { EncoderPlan } from './encoderPlan';
import type { IndexerHost } from './indexerHost';
import type { FolderReaders } from './readers';
import type { FurtherState } from './store/types';

/** The encoder of a version. */
export interface VersionEncoder {
  readonly checkpointFolder: string;
  readonly fingerprint: string;
}

/** A folder's vectors by one encoder, until disposed. */
export interface HeldVectors extends Disposable {
  /** What there is of them; undefined while that is not known. */
  state(): FurtherState | undefined;
}

export interface SecondVectorsParts {
  readonly plan: Pick<EncoderPlan, 'whenMade'>;
  readonly readers: Pick<FolderReaders, 'useFurther' | 'furtherState' | 'onTaken'>;
  readonly indexer: Pick<IndexerHost, 'useFurther'>;
  readonly threadCount?: number;
}

interface Held extends VersionEncoder {
  readonly spaceId: string;
}

export class SecondVectors {
  private readonly held = new Map<string, readonly Held[]>();

  constructor(private readonly parts: SecondVectorsParts) {}

  /** With a folder's id, when more of its vectors may have come. */
  onNews(listener: (id: string) => void): Disposable {
    return this.parts.readers.onTaken(listener);
  }

  /** Resolves when those that are there are in memory. */
  async hold(id: string, encoder: VersionEncoder): Promise<HeldVectors> {
    const made = await this.parts.plan.whenMade();
    if (!made) throw new BugError('Vectors of a version were asked for while nothing embeds');
    const spaceId = learnedSpacesOf(encoder.fingerprint) + made.choice.arithmetic;
    const own: Held = { ...encoder, spaceId };
    this.held.set(id, [...this.of(id), own]);
    await this.tell(id);
    return {
      state: () => this.parts.readers.furtherState(id, spaceId),
      dispose: () => {
        if (!this.of(id).includes(own)) return;
        this.held.set(
          id,
          this.of(id).filter((one) => one !== own),
        );
        // What goes together is told once.
        void Promise.resolve().then(() => this.tell(id));
      },
    };
  }

  private of(id: string): readonly Held[] {
    return this.held.get(id) ?? [];
  }

  private async tell(id: string): Promise<void> {
    const { plan, readers, indexer, threadCount } = this.parts;
    const bySpace = new Map(this.of(id).map((one) => [one.spaceId, one]));
    const taking = readers.useFurther(id, [...bySpace.keys()]);
    const made = await plan.whenMade();
    if (made) {
      const { arithmetic, provider } = made.choice;
      const choices = [...bySpace.values()].map(({ checkpointFolder }) => ({
        ...{ checkpointFolder, arithmetic, provider, threadCount },
      }));
      indexer.useFurther(id, choices);
    }
    await taking;
  }
}
