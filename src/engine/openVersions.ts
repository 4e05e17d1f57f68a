/**
 * Learned versions in memory: read and verified, their re-ranker opened when somebody needs it, their encoder with its
 * vectors, and lent to searches, each of which keeps what it was lent to its end. Who is to answer, who answers meanwhile and
 * who is only compared stand in one entry a folder; `versions.ts` decides what goes there.
 */
import { messageOf, NearmissError } from '../base/errors';
import { type Disposable, Shared } from '../base/lifecycle';
import type { Logger } from '../base/log';
import type { Embedder, Reranker } from './encoders/types';
import { type BaseModels, type LearnedVersion, loadVersion } from './learning/learnedVersion';
import type { VersionScope, VersionStore, VersionUse } from './learning/versionStore';
import { OwnEncoder } from './ownEncoder';
import type { SearchContext } from './search/types';
import type { SecondVectors } from './secondVectors';

export interface OpenVersionsParts {
  readonly log: Logger;
  /** Fingerprints of the models in use; undefined while nothing embeds. */
  readonly baseModels: () => Promise<BaseModels | undefined>;
  readonly openReranker: (checkpointFolder: string) => Promise<Reranker>;
  /** An encoder that was learned, for queries. */
  readonly openEncoder: (checkpointFolder: string) => Promise<Embedder>;
  /** The vectors of such encoders. */
  readonly vectors: Pick<SecondVectors, 'hold' | 'onNews'>;
}

/** A version as one search has it, to its end. */
export interface LentVersion extends Disposable {
  readonly id: string;
  readonly scope?: VersionScope;
  /** What takes the place of the base's in the context. */
  readonly context: Pick<SearchContext, 'words' | 'learned' | 'weights'> & {
    /** Present where the version has its own; undefined while that is being loaded. */
    readonly reranker?: Reranker | undefined;
    /** Present where the version has its own, whose vectors snapshots have. */
    readonly embedder?: Embedder;
  };
  /** Fingerprint of the bi-encoder that it belongs to. */
  readonly biEncoder: string;
}

/** How much a search waits for: nothing, what it needs without re-ranking, everything. */
export type VersionNeeds = 'available' | 'withoutReranker' | 'whole';

/** A version in memory. */
export interface Active {
  readonly version: LearnedVersion;
  readonly use: VersionUse;
  reranker?: Shared<Reranker>;
  opening?: Promise<void>;
  /** Where it has an encoder. */
  readonly own?: OwnEncoder;
}

export interface Entry {
  readonly opened: Promise<void>;
  /** The one that is to answer. */
  active?: Active;
  /** Answers while the vectors of that one are not complete. */
  standIn?: Active;
  /** The vectors of the one that is to answer were not complete when it was last looked at. */
  isWaiting?: boolean;
  /** Ranks beside the one that answers. */
  candidate?: Active;
  isLive?: boolean;
  problem?: string;
}

export type Role = 'active' | 'standIn' | 'candidate';

export class OpenVersions {
  constructor(private readonly parts: OpenVersionsParts) {}

  /** With its encoder and what there is of its vectors in memory. Throws where it cannot be used. */
  async loadOpen(id: string, store: VersionStore, use: VersionUse): Promise<Active> {
    const active = await this.load(id, store, use);
    try {
      await active.own?.opened;
      return active;
    } catch (error) {
      retire(active);
      throw error;
    }
  }

  /** Without waiting for its encoder. */
  async load(id: string, store: VersionStore, use: VersionUse): Promise<Active> {
    const base = await this.parts.baseModels();
    if (!base)
      throw new NearmissError(
        'model',
        `The version ${use.id} needs the model that it was learned on, and none is loaded`,
        'Run `nearmiss doctor` to see what is wrong',
      );
    const version = await loadVersion(store, use.id, base);
    const { encoderFolder, manifest } = version;
    if (encoderFolder === undefined || manifest.encoder === undefined) return { version, use };
    const encoder = { checkpointFolder: encoderFolder, fingerprint: manifest.encoder };
    const { openEncoder, vectors } = this.parts;
    const hold = (one: typeof encoder): ReturnType<typeof vectors.hold> => vectors.hold(id, one);
    return { version, use, own: new OwnEncoder(encoder, { openEncoder, hold }) };
  }

  /** The version in this role, for one search; undefined where there is none that can be used. */
  async lend(entry: Entry, role: Role, needs: VersionNeeds): Promise<LentVersion | undefined> {
    const active = entry[role];
    if (!active || !isUsable(active)) return undefined;
    const { version, use, own } = active;
    const { words, learned, weights, crossEncoderFolder, manifest } = version;
    const bare = { id: version.id, scope: use.scope, biEncoder: manifest.base.biEncoder };
    if (crossEncoderFolder !== undefined) {
      const opening = this.openReranker(entry, role, crossEncoderFolder);
      if (needs === 'whole') await opening;
      // Without its re-ranker it would be a mixture of two models.
      if (entry[role] !== active) return undefined;
    }
    const leases = [own?.acquire(), active.reranker?.acquire()] as const;
    const [embedder, reranker] = leases;
    const context = {
      ...{ words, learned, weights },
      ...(embedder && { embedder: embedder.value }),
      ...(crossEncoderFolder !== undefined && { reranker: reranker?.value }),
    };
    return { ...bare, context, dispose: () => leases.forEach((lease) => lease?.dispose()) };
  }

  private openReranker(entry: Entry, role: Role, folder: string): Promise<void> {
    const active = entry[role]!;
    active.opening ??= this.parts
      .openReranker(folder)
      .then((reranker) => {
        active.reranker = new Shared(reranker);
        // Another version came in meanwhile: nobody asks for this one any more.
        if (entry[role] !== active) active.reranker.retire();
      })
      .catch((error: unknown) => {
        retire(entry[role]);
        entry[role] = undefined;
        const instead = role === 'candidate' ? 'it is not compared' : 'the base model answers';
        entry.problem = `${messageOf(error)}; ${instead}`;
        this.parts.log.error('opening a learned re-ranker', error);
      });
    return active.opening;
  }
}

/** Who answers: the one that is to, or who answered before while its vectors are not complete; else the base. */
export function roleOfAnswer({ active, standIn }: Entry): 'active' | 'standIn' | undefined {
  if (active && isUsable(active)) return 'active';
  return active && standIn && isUsable(standIn) ? 'standIn' : undefined;
}

export function answering(entry: Entry): Active | undefined {
  const role = roleOfAnswer(entry);
  return role && entry[role];
}

/** The base always is. */
export function isUsable(active: Active | undefined): boolean {
  return active?.own?.isUsable ?? true;
}

export function retire(active: Active | undefined): void {
  active?.reranker?.retire();
  active?.own?.retire();
}

/** A sentence where a version waits for its vectors. */
export function catchingUp({ active }: Entry): string[] {
  const state = active?.own?.state;
  if (!active || !state || isUsable(active)) return [];
  const count = state.heldCount + state.lackingCount;
  return [
    `${state.heldCount} of ${count} chunks are embedded for the version ${active.version.id}; what answered before answers until all are`,
  ];
}
