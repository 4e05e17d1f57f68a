/**
 * Offers to learn when enough marks are new: never forced, once for so many marks, and not again in a window that said no.
 * With the setting on, a run begins by itself while nobody types.
 */
import * as vscode from 'vscode';
import { NearmissError } from '../../base/errors';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import { debounce } from '../../base/queue';
import { tellFailure } from './failure';
import type { Services } from './services';
import type { WorkspaceFolder } from './workspace';

/** Marks come in bursts; the question comes after one. */
const ASK_AFTER_MS = 5000;
/** So long nobody typed: the machine is free for a run of its own accord. */
const IDLE_MS = 5 * 60_000;
const LOOK_EVERY_MS = 60_000;
/** An offer that was passed over is made again after so many marks more. */
const OFFERED_EVERY = 20;

export class LearningOffer implements Disposable {
  private readonly store = new DisposableStore();
  private readonly offered = new Map<string, number>();
  /** Folders with a run, which nobody needs to be offered. */
  private readonly running = new Set<string>();
  private isRefused = false;
  private lastTypedMs = Date.now();

  constructor(private readonly services: Services) {
    const ask = this.store.add(
      debounce(() => void tellFailure(services.log, () => this.offer()), ASK_AFTER_MS),
    );
    this.store.add(services.engine.on('marksChanged', () => ask.trigger()));
    this.store.add(
      services.engine.on('learningProgress', ({ folder, state }) => {
        if (state === 'ended') this.running.delete(folder);
        else this.running.add(folder);
      }),
    );
    // A run does not outlive its engine.
    this.store.add(services.engine.onState(({ kind }) => kind === 'up' && this.running.clear()));
    this.store.add(
      vscode.workspace.onDidChangeTextDocument(() => {
        this.lastTypedMs = Date.now();
      }),
    );
    const timer = setInterval(() => void this.learnWhenIdle(), LOOK_EVERY_MS);
    this.store.add({ dispose: () => clearInterval(timer) });
  }

  dispose(): void {
    this.store.dispose();
  }

  private async offer(): Promise<void> {
    const { settings } = this.services;
    if (this.isRefused || settings.get('learning.automatic')) return;
    const folder = await this.nextFolder();
    if (!folder) return;
    const { t } = vscode.l10n;
    const [learn, later] = [t('Learn from Marks'), t('Not Now')];
    const text = t(
      'Nearmiss can learn from your marks now. Nothing changes unless it proves better.',
    );
    const chosen = await vscode.window.showInformationMessage(text, learn, later);
    if (chosen === later) this.isRefused = true;
    if (chosen === learn)
      await vscode.commands.executeCommand('nearmiss.learnFromMarks', folder.path);
  }

  private async learnWhenIdle(): Promise<void> {
    const { engine, settings, log } = this.services;
    if (!settings.get('learning.automatic') || Date.now() - this.lastTypedMs < IDLE_MS) return;
    if (engine.state.kind !== 'up') return;
    const folder = await this.nextFolder().catch(() => undefined);
    if (!folder) return;
    try {
      await engine.call('learn', { folder: folder.path, isUnasked: true });
    } catch (error) {
      // On its battery, or in use by another window: that passes.
      if (error instanceof NearmissError && error.code === 'busy') this.offered.delete(folder.path);
      else log.warn(`learning by itself: ${String(error)}`);
    }
  }

  /** A folder whose new marks were not offered yet. */
  private async nextFolder(): Promise<WorkspaceFolder | undefined> {
    const { engine, workspace } = this.services;
    for (const folder of workspace.indexed) {
      const plan = await engine.ask('learningPlan', { folder: folder.path, kind: 'marks' });
      if (this.running.has(folder.path)) continue;
      const offered = this.offered.get(folder.path) ?? -OFFERED_EVERY;
      if (!plan.isOffered || plan.usableCount < offered + OFFERED_EVERY) continue;
      this.offered.set(folder.path, plan.usableCount);
      return folder;
    }
    return undefined;
  }
}
