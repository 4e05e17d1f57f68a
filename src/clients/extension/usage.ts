/**
 * Counts for the learning report, kept by the engine on this machine: how long questions take, which rank was opened, what
 * was given up. No query leaves this file. The monthly question is asked only of those who switched it on.
 */
import * as vscode from 'vscode';
import type { Logger } from '../../base/log';
import { debounce } from '../../base/queue';
import { PULSE_ANSWERS, type UsageEvent } from '../../protocol/usage';
import type { EngineHost } from './engineHost';
import { Episodes } from './episodes';
import type { MarkableHit, Question } from './marking';
import type { ExtensionSettings } from './settings';

/** Words that stand so long were meant. */
const RESTS_AFTER_MS = 1000;
const LOOK_EVERY_MS = 60_000;
const pulseKey = 'nearmiss.pulse';

export class UsageNotes implements vscode.Disposable {
  private readonly episodes = new Episodes();
  private readonly rest = debounce(() => this.rested(), RESTS_AFTER_MS);
  private readonly timer: NodeJS.Timeout;
  private asking: { query: string; beganMs: number } | undefined;
  private folder: string | undefined;

  constructor(
    private readonly engine: EngineHost,
    private readonly settings: ExtensionSettings,
    private readonly memory: vscode.Memento,
    private readonly log: Logger,
  ) {
    this.timer = setInterval(() => this.note(this.episodes.passed(Date.now())), LOOK_EVERY_MS);
    this.timer.unref();
  }

  /** A question was answered; words still being typed come here as well. */
  answered(query: string, folder: string | undefined): void {
    if (folder === undefined || query.trim() === '') return;
    this.folder = folder;
    this.asking = { query, beganMs: this.asking?.beganMs ?? Date.now() };
    this.rest.trigger();
  }

  /** A hit was opened to stay. */
  opened({ folder, rank, path, start, end }: MarkableHit, { source }: Question): void {
    this.folder = folder;
    this.rested();
    // What is like a span decides nothing between two versions that were asked in words.
    const hit = source ? undefined : { path, start, end };
    const events = this.episodes.opened(rank, Date.now());
    this.note(events.map((event) => (event.kind === 'opened' ? { ...event, hit } : event)));
    void this.askPulse(folder);
  }

  dispose(): void {
    this.rest.dispose();
    clearInterval(this.timer);
  }

  private rested(): void {
    const { asking } = this;
    this.asking = undefined;
    if (asking) this.note(this.episodes.asked(asking.query, asking.beganMs, Date.now()));
  }

  private note(events: readonly UsageEvent[]): void {
    if (events.length === 0 || this.folder === undefined || !this.settings.get('usage.enabled'))
      return;
    this.engine
      .ask('noteUsage', { folder: this.folder, events })
      .catch((error: unknown) => this.log.warn(`usage was not noted: ${String(error)}`));
  }

  /** Once a month at most, and only where the setting says so. */
  private async askPulse(folder: string): Promise<void> {
    const month = new Date().toISOString().slice(0, 7);
    if (!this.settings.get('usage.pulse') || this.memory.get(pulseKey) === month) return;
    await this.memory.update(pulseKey, month);
    const { t } = vscode.l10n;
    const labels = [t('Mostly'), t('Sometimes'), t('Rarely')];
    const said = await vscode.window.showInformationMessage(
      t('Did Nearmiss find what you needed this month?'),
      ...labels,
    );
    const answer = PULSE_ANSWERS[labels.indexOf(said ?? '')];
    if (answer) await this.engine.ask('answerPulse', { folder, answer });
  }
}
