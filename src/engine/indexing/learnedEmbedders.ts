/** The encoders that were learned for folders, opened as each folder needs them and let go of when it needs them no more. */
import type { Disposable } from '../../base/lifecycle';
import { inLearnedSpace } from '../encoders/learnedSpace';
import type { Embedder } from '../encoders/types';
import type { LoadableEmbedder } from './embeddingStage';
import type { EmbedderChoice } from './messages';

export interface LearnedEmbeddersParts {
  readonly open: (choice: EmbedderChoice) => Promise<LoadableEmbedder>;
  /** Runs what lets go of an embedder when no step uses it. */
  readonly later: (dispose: () => void) => void;
}

interface Opened {
  readonly key: string;
  readonly embedder: LoadableEmbedder;
}

export class LearnedEmbedders implements Disposable {
  private readonly byFolder = new Map<string, readonly Opened[]>();
  private readonly rounds = new Map<string, number>();

  constructor(private readonly parts: LearnedEmbeddersParts) {}

  of(folderId: string): readonly LoadableEmbedder[] {
    return (this.byFolder.get(folderId) ?? []).map(({ embedder }) => embedder);
  }

  /** Opens what is not open yet. Throws where a checkpoint cannot be read; then the folder has those it had. */
  async use(folderId: string, choices: readonly EmbedderChoice[]): Promise<void> {
    const round = (this.rounds.get(folderId) ?? 0) + 1;
    this.rounds.set(folderId, round);
    const fresh: Opened[] = [];
    for (const choice of choices) {
      const key = JSON.stringify(choice);
      const known = this.byFolder.get(folderId)?.find((one) => one.key === key);
      fresh.push(known ?? { key, embedder: learned(await this.parts.open(choice)) });
    }
    const before = this.byFolder.get(folderId) ?? [];
    // Another wish came meanwhile: what was opened for this one is of no use.
    const isLatest = this.rounds.get(folderId) === round;
    if (isLatest) this.byFolder.set(folderId, fresh);
    const kept = isLatest ? fresh : before;
    for (const one of [...before, ...fresh])
      if (!kept.includes(one)) this.parts.later(() => one.embedder.dispose());
  }

  dispose(): void {
    for (const opened of this.byFolder.values())
      for (const { embedder } of opened) embedder.dispose();
    this.byFolder.clear();
  }
}

/** In its own space, and loading when it is first needed, as the embedder that was given. */
function learned(embedder: LoadableEmbedder): LoadableEmbedder {
  const own: Embedder = inLearnedSpace(embedder);
  return { ...own, prepare: async () => embedder.prepare?.() };
}
