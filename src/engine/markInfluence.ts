/**
 * A folder's marks as searches take them: each with the text of its query, its embedding in the space that is
 * searched, and a way to find its chunk in a snapshot. Made once for each state of the marks.
 */
import { foldText } from '../base/text';
import type { Embedder, Tokenizer } from './encoders/types';
import { followChunk } from './feedback/follow';
import type { Mark } from './feedback/mark';
import type { FolderMarks, KeptMark } from './feedback/marks';
import { QueryVectors, removeQueryVectors } from './feedback/queryVectors';
import type { SearchMark } from './search/marks';
import { isMostlyUnknown, parseQuery } from './search/query';
import type { Snapshot } from './store/types';

/** A longer query is cut where a hit names it. */
const LONGEST_NAME = 60;

/** What embeds the queries of marks. */
export interface MarkEmbedder {
  readonly embedder?: Embedder;
  readonly tokenizer?: Tokenizer;
}

export class MarkInfluences {
  private vectors: { readonly spaceId: string; readonly opened: Promise<QueryVectors> } | undefined;
  private made: Made | undefined;
  private filling: Promise<void> | undefined;

  constructor(
    private readonly marks: FolderMarks,
    /** Where the cache of embeddings lies. */
    private readonly folder: string,
  ) {}

  /** The marks with those embeddings that are there. */
  async current({ embedder }: MarkEmbedder): Promise<readonly SearchMark[]> {
    if (this.marks.count === 0) return [];
    const spaceId = embedder?.space.id;
    const vectors = embedder && (await this.vectorsOf(embedder));
    const isSame = this.made?.version === this.marks.version && this.made.spaceId === spaceId;
    const made = isSame ? this.made! : this.make(vectors, spaceId);
    // Kept only when nothing is missing: an embedding may come at any time.
    this.made = made.isWhole ? made : undefined;
    return made.marks;
  }

  /** Embeds the queries that have no embedding in this space yet. One at a time, so that searches come between. */
  fill(models: MarkEmbedder): Promise<void> {
    this.filling ??= this.embedMissing(models).finally(() => {
      this.filling = undefined;
    });
    return this.filling;
  }

  /** Forgets every embedding, in memory and on the disk. */
  async clear(): Promise<void> {
    await this.filling?.catch(() => undefined);
    this.vectors = undefined;
    this.made = undefined;
    await removeQueryVectors(this.folder);
  }

  private async embedMissing({ embedder, tokenizer }: MarkEmbedder): Promise<void> {
    if (!embedder || this.marks.count === 0) return;
    const vectors = await this.vectorsOf(embedder);
    const texts = this.marks.list().flatMap(({ mark }) => textOf(mark) ?? []);
    for (const text of new Set(texts))
      if (text !== '' && !vectors.get(text) && !isMostlyUnknown(tokenizer, text))
        await vectors.put(text, await embedder.embedQuery(text));
  }

  private vectorsOf({ space: { id, dimension } }: Embedder): Promise<QueryVectors> {
    if (this.vectors?.spaceId !== id)
      this.vectors = { spaceId: id, opened: QueryVectors.open(this.folder, id, dimension) };
    return this.vectors.opened;
  }

  private make(vectors: QueryVectors | undefined, spaceId: string | undefined): Made {
    const marks = this.marks.list().map((kept) => toSearchMark(kept, vectors));
    const isWhole = marks.every(({ query, vector }) => query === undefined || vector);
    return { version: this.marks.version, spaceId, marks, isWhole };
  }
}

interface Made {
  readonly version: number;
  readonly spaceId: string | undefined;
  readonly marks: readonly SearchMark[];
  readonly isWhole: boolean;
}

/** The words of a mark's query without its syntax: what is compared and embedded. */
function textOf({ query }: Mark): string | undefined {
  return query === undefined ? undefined : parseQuery(query).text;
}

function toSearchMark(kept: KeptMark, vectors: QueryVectors | undefined): SearchMark {
  const { mark, origin, near } = kept;
  const text = textOf(mark);
  const { source } = mark;
  return {
    id: mark.id,
    verdict: mark.verdict,
    isWeak: mark.weak ?? false,
    time: mark.time,
    setFor: nameOf(mark),
    query: text === undefined ? undefined : foldText(text),
    vector: text === undefined ? undefined : vectors?.get(text),
    source: source && ((snapshot) => followChunk(snapshot, [source, origin.source!])?.id),
    chunk: (snapshot: Snapshot) => followChunk(snapshot, [mark, origin], near)?.id,
  };
}

function nameOf({ query, source }: Mark): string {
  if (source) return `places like ${source.path}:${source.start}-${source.end}`;
  const words = query!.trim().replaceAll(/\s+/g, ' ');
  return `“${words.length > LONGEST_NAME ? `${words.slice(0, LONGEST_NAME - 1)}…` : words}”`;
}
