/**
 * Sharing marks by the repository, with the setting on: asks once a folder what may be given and taken, then keeps the
 * file and the folder's marks together. In a folder that is not trusted nothing that came with it counts.
 */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import { debounce } from '../../base/queue';
import type { SharingInfo } from '../../protocol/sharing';
import { tellFailure } from './failure';
import { inMessage } from './hitText';
import type { Services } from './services';

/** A pull changes many files; the file is read after it. */
const COMPARE_AFTER_MS = 1000;
/** Names that a question has room for. */
const TOLD_AUTHORS = 5;

export class RepositorySharing implements Disposable {
  private readonly store = new DisposableStore();
  /** Folders that were asked about in this window, or compared since the file changed. */
  private readonly asked = new Set<string>();
  private readonly compared = new Set<string>();

  constructor(private readonly services: Services) {
    const { engine, workspace, settings, log } = services;
    const compare = this.store.add(
      debounce(() => void tellFailure(log, () => this.compareAll()), COMPARE_AFTER_MS),
    );
    const again = (): void => {
      this.compared.clear();
      compare.trigger();
    };
    const watcher = this.store.add(
      vscode.workspace.createFileSystemWatcher('**/.nearmiss/marks.jsonl'),
    );
    for (const event of [watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete])
      this.store.add(event(again));
    this.store.add(workspace.onChange(() => compare.trigger()));
    this.store.add(engine.onState(again));
    this.store.add(vscode.workspace.onDidGrantWorkspaceTrust(again));
    this.store.add(
      settings.onChange((event) => {
        if (!event.affectsConfiguration('nearmiss.marks.shareByRepository')) return;
        if (settings.get('marks.shareByRepository')) again();
        else void tellFailure(log, () => this.endAll());
      }),
    );
  }

  dispose(): void {
    this.store.dispose();
  }

  private async compareAll(): Promise<void> {
    const { engine, workspace, settings } = this.services;
    const { isTrusted } = vscode.workspace;
    if (engine.state.kind !== 'up') return;
    for (const { path: folder } of workspace.indexed) {
      if (this.compared.has(folder)) continue;
      this.compared.add(folder);
      const info = await engine.ask('sharing', { folder });
      if (info.isTaking && !isTrusted)
        await engine.call('setSharing', { folder, takes: false, isTrusted });
      if (!isTrusted) await this.leaveShared(folder);
      if (!isTrusted || !settings.get('marks.shareByRepository')) continue;
      if (info.isGiving || info.isTaking) await engine.call('syncSharing', { folder, isTrusted });
      else await this.ask(info);
    }
  }

  /** What is at stake in one sentence each, and a yes for each. */
  private async ask(info: SharingInfo): Promise<void> {
    const { folder } = info;
    if (this.asked.has(folder)) return;
    this.asked.add(folder);
    const { t } = vscode.l10n;
    const [both, give, take] = [t('Share and Take'), t('Only Share'), t('Only Take')];
    const warning = t(
      'Share marks by the repository {0}? Your queries, and who marked what when, can then be read by all who have it.',
      inMessage(folder),
    );
    const others = t('Marks of others that would count here: {0}', inMessage(authorsOf(info, t)));
    const chosen = await vscode.window.showWarningMessage(
      `${warning} ${others}`,
      both,
      give,
      take,
      t('Not Now'),
    );
    const gives = chosen === both || chosen === give;
    const takes = chosen === both || chosen === take;
    const { isTrusted } = vscode.workspace;
    if (gives || takes)
      await this.services.engine.call('setSharing', { folder, gives, takes, isTrusted });
  }

  /** A version that came with a folder does not answer there without trust. */
  private async leaveShared(folder: string): Promise<void> {
    const { engine } = this.services;
    const { current, versions } = await engine.ask('versions', { folder });
    if (versions.some(({ id, author }) => id === current && author !== undefined))
      await engine.call('useVersion', { folder, version: 'base' });
  }

  private async endAll(): Promise<void> {
    const { engine, workspace } = this.services;
    const { isTrusted } = vscode.workspace;
    this.asked.clear();
    for (const { path: folder } of workspace.indexed)
      await engine.call('setSharing', { folder, gives: false, takes: false, isTrusted });
  }
}

function authorsOf({ authors }: SharingInfo, t: typeof vscode.l10n.t): string {
  if (authors.length === 0) return t('none yet');
  const told = authors
    .slice(0, TOLD_AUTHORS)
    .map(({ author, markCount }) => `${author} ${markCount}`);
  const more = authors.length - told.length;
  return [...told, ...(more > 0 ? [t('{0} more', more)] : [])].join(', ');
}
