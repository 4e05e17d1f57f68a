/** Embeddings of marked queries, each made once a run. */
import type { Embedder } from '../encoders/types';
import type { RunControl } from '../training/control';
import type { MarkedQuery } from './markData';

export class QueryEmbeddings {
  private readonly known = new Map<string, Float32Array>();

  constructor(
    private readonly embedder: Embedder | undefined,
    private readonly control: RunControl,
  ) {}

  /** In the order of the queries; undefined where nothing embeds. */
  async of(queries: readonly Pick<MarkedQuery, 'text'>[]): Promise<(Float32Array | undefined)[]> {
    const { embedder, known } = this;
    if (!embedder) return queries.map(() => undefined);
    for (const { text } of queries) {
      if (known.has(text)) continue;
      await this.control.turn();
      known.set(text, await embedder.embedQuery(text));
    }
    return queries.map(({ text }) => known.get(text));
  }
}
