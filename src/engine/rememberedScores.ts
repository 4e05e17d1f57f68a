/**
 * What the re-ranker said while a version answered, for the version that is compared with it: that one ranks the same
 * question a moment later, mostly the same candidates, and reads as many of them. So it is soon ready, and neither of the
 * two has the advantage of more time.
 */
import type { Reranker } from './encoders/types';

export class RememberedScores {
  private readonly byText = new Map<string, number>();
  private readCount = 0;

  /** Candidates that were read while scores were kept. */
  get count(): number {
    return this.readCount;
  }

  /** The same re-ranker, whose scores are kept. */
  recording(reranker: Reranker): Reranker {
    return {
      ...faceOf(reranker),
      score: async (query, texts, signal) => {
        const scores = await reranker.score(query, texts, signal);
        this.readCount += texts.length;
        texts.forEach((text, at) => this.byText.set(keyOf(reranker, query, text), scores[at]!));
        return scores;
      },
    };
  }

  /** Reads only what the same re-ranker has not read for this query before. */
  reusing(reranker: Reranker): Reranker {
    return {
      ...faceOf(reranker),
      score: async (query, texts, signal) => {
        const known = texts.map((text) => this.byText.get(keyOf(reranker, query, text)));
        const missing = texts.filter((_, at) => known[at] === undefined);
        const read = missing.length > 0 ? await reranker.score(query, missing, signal) : [];
        let next = 0;
        return Float32Array.from(known, (score) => score ?? read[next++]!);
      },
    };
  }
}

/** Whoever opened the re-ranker disposes it. */
function faceOf({ fingerprint }: Reranker): Pick<Reranker, 'fingerprint' | 'dispose'> {
  return { fingerprint, dispose: () => undefined };
}

function keyOf({ fingerprint }: Reranker, query: string, text: string): string {
  return `${fingerprint}\0${query}\0${text}`;
}
