/**
 * Colours of the editor for the panel's snippets. A thread does the work (colourThread.ts), started when first needed
 * and ended when idle; what it said is remembered by text, so that a re-ordered list is coloured at once. Without it
 * snippets are plain: colours are never a reason to fail.
 */
import { Worker } from 'node:worker_threads';
import type { ThemeRegistration } from 'shiki/core';
import type { Disposable } from '../../base/lifecycle';
import type { Logger } from '../../base/log';
import type {
  ColouredLine,
  ColouredSnippet,
  HostMessage,
  PanelHit,
  TokenStyle,
} from '../../protocol/panelMessages';
import type { ColourAnswer, ColourTask } from './colourThread';
import type { PanelColours } from './panelBridge';

type Send = (message: HostMessage) => void;

export interface SnippetColoursOptions {
  /** Bundle of colourThread.ts. */
  readonly threadFile: string;
  /** The folder with the grammars. */
  readonly folder: string;
  /** Reads the editor's theme; asked when first needed. */
  readonly theme: () => ThemeRegistration;
  readonly log: Logger;
}

/** Snippets whose colours are remembered. */
const MOST_REMEMBERED = 1000;
/** The thread holds some 50 MB; a person who does not search should not pay for it. */
const IDLE_MS = 120_000;

export class SnippetColours implements PanelColours, Disposable {
  private theme: ThemeRegistration | undefined;
  private worker: Worker | undefined;
  private idle: NodeJS.Timeout | undefined;
  private lastId = 0;
  private readonly pending = new Map<number, (answer: ColourAnswer) => void>();
  private readonly remembered = new Map<string, readonly ColouredLine[]>();
  private styles: readonly TokenStyle[] = [];
  private hits: readonly PanelHit[] = [];
  private hasFailed = false;

  constructor(private readonly options: SnippetColoursOptions) {}

  start(send: Send): void {
    if (this.styles.length > 0) this.sendStyles(send, false);
  }

  colour(hits: readonly PanelHit[], send: Send): void {
    this.hits = hits;
    this.sendKnown(hits, send);
    const missing = hits.filter((hit) => !this.remembered.has(memoryKey(hit)));
    if (missing.length > 0) void this.ask(missing, send);
  }

  /** Another theme: everything shown is coloured anew. */
  themeChanged(send: Send): void {
    this.theme = undefined;
    this.forget();
    this.sendStyles(send, true);
    this.colour(this.hits, send);
  }

  dispose(): void {
    clearTimeout(this.idle);
    this.pending.clear();
    const { worker } = this;
    this.worker = undefined;
    void worker?.terminate();
  }

  private async ask(hits: readonly PanelHit[], send: Send): Promise<void> {
    const theme = (this.theme ??= this.options.theme());
    const items = hits.map(({ snippet, language }) => ({ text: snippet, language }));
    const answer = await this.run({ id: ++this.lastId, theme, items });
    if (!answer || theme !== this.theme) return;
    if (answer.problem !== undefined)
      this.options.log.warn('Snippets stay plain', { problem: answer.problem });
    const isNews = answer.styles.length !== this.styles.length;
    this.styles = answer.styles;
    for (const [index, hit] of hits.entries())
      this.remembered.set(memoryKey(hit), answer.lines[index] ?? []);
    for (const key of this.remembered.keys()) {
      if (this.remembered.size <= MOST_REMEMBERED) break;
      this.remembered.delete(key);
    }
    if (isNews) this.sendStyles(send, false);
    this.sendKnown(hits, send);
  }

  private run(task: ColourTask): Promise<ColourAnswer | undefined> {
    const worker = this.startWorker();
    if (!worker) return Promise.resolve(undefined);
    clearTimeout(this.idle);
    return new Promise((resolve) => {
      this.pending.set(task.id, resolve);
      worker.postMessage(task);
    });
  }

  private startWorker(): Worker | undefined {
    if (this.worker || this.hasFailed) return this.worker;
    const { threadFile, folder } = this.options;
    // A new thread numbers its styles anew.
    this.forget();
    const worker = new Worker(threadFile, { workerData: { folder } });
    worker.unref();
    worker.on('message', (answer: ColourAnswer) => this.receive(answer));
    worker.on('error', (error) => {
      this.hasFailed = true;
      this.worker = undefined;
      this.pending.clear();
      this.options.log.error('Snippets stay plain', error);
    });
    this.worker = worker;
    return worker;
  }

  private receive(answer: ColourAnswer): void {
    this.pending.get(answer.id)?.(answer);
    this.pending.delete(answer.id);
    if (this.pending.size > 0) return;
    this.idle = setTimeout(() => this.endWorker(), IDLE_MS);
    this.idle.unref();
  }

  private endWorker(): void {
    const { worker } = this;
    this.worker = undefined;
    void worker?.terminate();
  }

  private forget(): void {
    this.remembered.clear();
    this.styles = [];
  }

  private sendStyles(send: Send, dropsSnippets: boolean): void {
    send({ type: 'styles', styles: [...this.styles], dropsSnippets });
  }

  private sendKnown(hits: readonly PanelHit[], send: Send): void {
    const snippets = hits.flatMap((hit): ColouredSnippet[] => {
      const lines = this.remembered.get(memoryKey(hit));
      if (!lines || lines.length === 0) return [];
      return [{ key: hit.key, snippet: hit.snippet, lines: lines.map((line) => [...line]) }];
    });
    if (snippets.length > 0) send({ type: 'colours', snippets });
  }
}

function memoryKey(hit: PanelHit): string {
  return `${hit.language}\n${hit.snippet}`;
}
