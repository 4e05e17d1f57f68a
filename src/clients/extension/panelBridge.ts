/**
 * The extension's half of the conversation with the panel, without the editor: answers each message by a call of
 * the backend, keeps questions in order, and remembers the hits that keys stand for. A newer question aborts the
 * older one; nothing of the older one is sent afterwards.
 */
import { isAbort, messageOf, NearmissError } from '../../base/errors';
import type { Logger } from '../../base/log';
import {
  type HostMessage,
  hitKey,
  type PanelCommand,
  type PanelFilters,
  type PanelHit,
  type PanelMark,
  type PanelMessage,
  type PanelOptions,
  type PanelSource,
  type PanelStatus,
  type PanelVerdict,
  parsePanelMessage,
  type SearchMessage,
} from '../../protocol/panelMessages';
import type { SearchHit } from '../../protocol/types';
import { markdownOf, pathLinesOf, searchEditorText } from './hitTexts';

/** What the panel asks: words, or (with a source) the like of a span. */
export interface PanelQuery {
  readonly query: string;
  readonly source?: PanelSource;
  readonly filters: PanelFilters;
  readonly limit: number;
  readonly rerank: boolean;
}

export interface PanelAnswer {
  readonly hits: readonly PanelHit[];
  readonly noGoodMatch: boolean;
  readonly notes: readonly string[];
  readonly tookMs: number;
}

/** `chat`: not opened but added to the editor's chat. */
export type OpenMode = 'preview' | 'open' | 'side' | 'chat';

/** What the panel needs of the extension around it. Failures are NearmissErrors with a sentence. */
export interface PanelBackend {
  /** Hits of all folders in one list, explained. With `rerank`, fused hits may go to `onFirst` before. */
  search(
    query: PanelQuery,
    onFirst: (answer: PanelAnswer) => void,
    signal: AbortSignal,
  ): Promise<PanelAnswer>;
  /** Settles when the mark is stored for good. */
  mark(hit: PanelHit, verdict: PanelVerdict, query: PanelQuery): Promise<PanelMark>;
  /** Takes back one mark, or without an id the last one. */
  undo(markId: string | undefined, hit: PanelHit | undefined): Promise<void>;
  open(hit: PanelHit, mode: OpenMode, query: PanelQuery): Promise<void>;
  /** All lines of the hit as they are now. */
  textOf(hit: PanelHit): Promise<string>;
  copy(text: string): Promise<void>;
  showSearchEditor(text: string): Promise<void>;
  searchNatively(query: string, filters: PanelFilters): Promise<void>;
  run(command: PanelCommand): Promise<void>;
  saveHistory(entries: readonly string[]): void;
  options(): PanelOptions;
  status(): PanelStatus;
  /** The hits shown changed; for context keys. */
  onShown(hitCount: number): void;
  /** A sentence of the engine in the person's language. */
  localised(...sentences: string[]): string;
  /** A failure of something other than a search, to be said in a sentence. */
  complain(error: unknown): void;
}

/** Colours snippets; answers may come late and are then sent on their own. */
export interface PanelColours {
  colour(hits: readonly PanelHit[], send: (message: HostMessage) => void): void;
  /** Tells a panel that has just opened what is known already. */
  start(send: (message: HostMessage) => void): void;
}

interface KnownHit {
  readonly hit: PanelHit;
  readonly question: PanelQuery;
}

export class PanelBridge {
  private running: { readonly ticket: number; readonly abort: AbortController } | undefined;
  private search: Promise<void> = Promise.resolve();
  private question: PanelQuery | undefined;
  /** Each hit with the question that it answered: a mark counts for that one, whatever is being typed by then. */
  private readonly hits = new Map<string, KnownHit>();
  private shownKeys: readonly string[] = [];
  private activeKey: string | undefined;
  private isReady = false;
  /** Told while there was no panel: said as soon as there is one. */
  private waiting: HostMessage[] = [];

  constructor(
    private readonly backend: PanelBackend,
    private readonly post: (message: HostMessage) => void,
    private readonly colours: PanelColours,
    private readonly log: Logger,
  ) {}

  /** Handles one message; what is no message of ours is dropped and logged. */
  async receive(value: unknown): Promise<void> {
    const message = parsePanelMessage(value);
    if (!message) {
      this.log.warn('The panel said something unknown');
      return;
    }
    try {
      await this.handle(message);
    } catch (error) {
      if (!isAbort(error)) this.backend.complain(error);
    }
  }

  /** The webview went away; its questions are pointless, the hits stay for F4. */
  close(): void {
    this.isReady = false;
    this.abort();
  }

  /** True while the panel shows hits. */
  get hasHits(): boolean {
    return this.shownKeys.length > 0;
  }

  status(): void {
    this.send({ type: 'status', status: this.backend.status() });
  }

  options(): void {
    this.send({ type: 'options', options: this.backend.options() });
  }

  /** Marks or files changed: the panel asks again, if it is there. */
  refresh(): void {
    this.send({ type: 'refresh' });
  }

  /** Fills the box and searches, or only focuses it. Kept until there is a panel. */
  ask(query?: string, filters?: Partial<PanelFilters>): void {
    this.sendOrKeep({ type: 'ask', query, filters });
  }

  showSimilar(source: PanelSource): void {
    this.sendOrKeep({ type: 'similar', source });
  }

  /** The hit `step` further than the active one in the order shown, which becomes the active one. */
  async step(step: 1 | -1): Promise<void> {
    const next = nextKey(this.shownKeys, this.activeKey, step);
    const known = next === undefined ? undefined : this.hits.get(next);
    if (!known) return;
    const { hit, question } = known;
    this.activeKey = hit.key;
    this.send({ type: 'focusHit', key: hit.key });
    await this.backend.open(hit, 'open', question);
  }

  private async handle(message: PanelMessage): Promise<void> {
    switch (message.type) {
      case 'ready':
        return this.start();
      case 'search':
        return this.startSearch(message);
      case 'cancel':
        return this.abort();
      case 'open':
        return this.withHit(message.key, (hit, query) =>
          this.backend.open(hit, message.mode, query),
        );
      case 'mark':
        return this.withHit(message.key, (hit, query) => this.mark(hit, message.verdict, query));
      case 'undo':
        return this.undo(message.key, message.markId);
      case 'copy':
        return this.copy(message.keys, message.format);
      case 'searchEditor': {
        const hits = await this.hitsOf(message.keys);
        return this.backend.showSearchEditor(
          searchEditorText(this.question?.query ?? '', await this.withTexts(hits)),
        );
      }
      case 'nativeSearch':
        return this.backend.searchNatively(message.query, message.filters);
      case 'command':
        return this.backend.run(message.command);
      case 'shown':
        this.shownKeys = message.keys;
        this.activeKey = message.active;
        return this.backend.onShown(message.keys.length);
      case 'history':
        return this.backend.saveHistory(message.entries);
      case 'problem':
        return this.log.error('The panel failed', new Error(message.message));
    }
  }

  private start(): void {
    this.isReady = true;
    this.options();
    this.status();
    this.colours.start((message) => this.send(message));
    for (const message of this.waiting.splice(0)) this.send(message);
  }

  /**
   * One question at a time. Re-ranking for the ticket that is being answered waits for that answer instead of
   * starting it anew.
   */
  private startSearch(message: SearchMessage): void {
    const previous = this.running;
    const isSequel = previous?.ticket === message.ticket && message.rerank;
    if (!isSequel) previous?.abort.abort();
    const abort = isSequel ? previous.abort : new AbortController();
    const earlier = isSequel ? this.search : Promise.resolve();
    this.running = { ticket: message.ticket, abort };
    this.search = earlier.then(() => this.answer(message, abort.signal));
  }

  private async answer(message: SearchMessage, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { ticket, type: _, ...query } = message;
    this.question = query;
    try {
      const answer = await this.backend.search(
        query,
        (first) => {
          if (!signal.aborted) this.sendResults(ticket, 'first', first, query);
        },
        signal,
      );
      if (!signal.aborted)
        this.sendResults(ticket, query.rerank ? 'final' : 'first', answer, query);
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      const advice = error instanceof NearmissError ? error.advice : undefined;
      this.send({
        type: 'failed',
        ticket,
        message: this.backend.localised(messageOf(error)),
        advice: advice === undefined ? undefined : this.backend.localised(advice),
      });
    }
  }

  private sendResults(
    ticket: number,
    stage: 'first' | 'final',
    answer: PanelAnswer,
    question: PanelQuery,
  ): void {
    const hits = [...answer.hits];
    for (const hit of hits) {
      // Taken out first, so that it counts among the newest.
      this.hits.delete(hit.key);
      this.hits.set(hit.key, { hit, question });
    }
    this.forgetOldHits();
    const { noGoodMatch, tookMs } = answer;
    this.send({
      type: 'results',
      ticket,
      stage,
      hits,
      noGoodMatch,
      notes: [...answer.notes],
      mayHaveMore: hits.length >= question.limit,
      tookMs,
    });
    this.colours.colour(hits, (message) => this.send(message));
  }

  /** Keys of earlier answers stay known for a while: the panel may still show them. */
  private forgetOldHits(): void {
    for (const key of this.hits.keys()) {
      if (this.hits.size <= rememberedHits) return;
      this.hits.delete(key);
    }
  }

  private async mark(hit: PanelHit, verdict: PanelVerdict, query: PanelQuery): Promise<void> {
    try {
      const mark = await this.backend.mark(hit, verdict, query);
      this.send({ type: 'marked', key: hit.key, mark });
    } catch (error) {
      this.send({ type: 'marked', key: hit.key, mark: hit.mark, problem: this.sentenceOf(error) });
    }
  }

  private async undo(key: string | undefined, markId: string | undefined): Promise<void> {
    const hit = key === undefined ? undefined : this.hits.get(key)?.hit;
    try {
      await this.backend.undo(markId, hit);
      if (key !== undefined) this.send({ type: 'marked', key });
      else this.refresh();
    } catch (error) {
      const problem = this.sentenceOf(error);
      if (key === undefined) throw error;
      this.send({ type: 'marked', key, mark: hit?.mark, problem });
    }
  }

  private sentenceOf(error: unknown): string {
    const advice = error instanceof NearmissError ? error.advice : undefined;
    return this.backend.localised(messageOf(error), ...(advice ? [advice] : []));
  }

  private async copy(keys: readonly string[], format: 'pathLine' | 'markdown'): Promise<void> {
    const hits = await this.hitsOf(keys);
    if (format === 'pathLine') return this.backend.copy(pathLinesOf(hits));
    return this.backend.copy(markdownOf(await this.withTexts(hits)));
  }

  private withTexts(hits: readonly PanelHit[]): Promise<{ hit: PanelHit; text: string }[]> {
    return Promise.all(
      hits.map(async (hit) => ({
        hit,
        // A hit whose file has gone is copied as it was shown.
        text: await this.backend.textOf(hit).catch(() => hit.snippet),
      })),
    );
  }

  private async withHit(
    key: string,
    use: (hit: PanelHit, query: PanelQuery) => Promise<void>,
  ): Promise<void> {
    await this.hitsOf([key]);
    const known = this.hits.get(key);
    if (known) await use(known.hit, known.question);
  }

  /** After a reload the panel shows hits that only the search it has just asked for brings back. */
  private async hitsOf(keys: readonly string[]): Promise<PanelHit[]> {
    if (keys.some((key) => !this.hits.has(key))) await this.search;
    return keys.flatMap((key) => this.hits.get(key)?.hit ?? []);
  }

  private abort(): void {
    this.running?.abort.abort();
    this.running = undefined;
  }

  private send(message: HostMessage): void {
    if (this.isReady) this.post(message);
  }

  private sendOrKeep(message: HostMessage): void {
    if (this.isReady) return this.post(message);
    this.waiting = [message];
  }
}

const rememberedHits = 2000;

/** The key `step` places after `active`; from the ends it goes round, without an active one it starts there. */
export function nextKey(
  keys: readonly string[],
  active: string | undefined,
  step: 1 | -1,
): string | undefined {
  const at = active === undefined ? -1 : keys.indexOf(active);
  if (at < 0) return step === 1 ? keys[0] : keys.at(-1);
  return keys[(at + step + keys.length) % keys.length];
}

/** A hit of the engine as the panel takes it. `folderName` only where several folders are open. */
export function toPanelHit(hit: SearchHit, folder: string, folderName?: string): PanelHit {
  const { explain, ...rest } = hit;
  return {
    ...rest,
    key: hitKey({ folder, path: hit.path, start: hit.start, end: hit.end }),
    folder,
    folderName,
    explain: explain?.map((part) => ({ ...part })),
  };
}
