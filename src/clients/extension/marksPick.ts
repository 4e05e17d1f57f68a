/** `Show Marks`: every mark of the window as a list that filters as one types; open, turn round, take back. */
import * as vscode from 'vscode';
import { DisposableStore } from '../../base/lifecycle';
import type { MarkInfo } from '../../protocol/types';
import { tellFailure } from './failure';
import { markRow } from './markRow';
import type { Services } from './services';

interface MarkItem extends vscode.QuickPickItem {
  readonly folder: string;
  readonly mark: MarkInfo;
}

/** Shows the list until it is closed. */
export async function showMarks(services: Services): Promise<void> {
  const { marking, engine, log } = services;
  const { t } = vscode.l10n;
  const store = new DisposableStore();
  const pick = store.add(vscode.window.createQuickPick<MarkItem>());
  const turn: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('arrow-swap'),
    tooltip: t('Turn the Verdict Round'),
  };
  const undo: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('discard'),
    tooltip: t('Undo'),
  };
  const fill = async (): Promise<void> => {
    const marks = await marking.all();
    pick.items = marks
      .reverse()
      .map(({ folder, mark }) => ({ ...markRow(mark, t), folder, mark, buttons: [turn, undo] }));
    pick.busy = false;
    pick.placeholder =
      marks.length === 0
        ? t('No marks yet: mark a hit as relevant or not relevant')
        : t('Marks: {0}; type to filter, Enter opens', marks.length);
  };
  pick.title = t('Nearmiss: Marks');
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.busy = true;
  store.add(engine.on('marksChanged', () => void tellFailure(log, fill)));
  store.add(pick.onDidHide(() => store.dispose()));
  store.add(
    pick.onDidTriggerItemButton(({ item, button }) =>
      tellFailure(log, async () => {
        if (button === undo) await marking.undo(item.folder, item.mark.id);
        else await turnRound(services, item);
        await fill();
      }),
    ),
  );
  store.add(
    pick.onDidAccept(() => {
      const [item] = pick.selectedItems;
      pick.hide();
      if (item) void tellFailure(log, () => open(services, item));
    }),
  );
  pick.show();
  await fill();
}

async function turnRound({ marking }: Services, { folder, mark }: MarkItem): Promise<void> {
  const { path, start, end, rank = 1, query = '', source } = mark;
  const verdict = mark.verdict === 'relevant' ? 'notRelevant' : 'relevant';
  await marking.set({ folder, path, start, end, rank }, verdict, { query, source });
}

async function open({ reveal }: Services, { folder, mark }: MarkItem): Promise<void> {
  const { path, start, end, symbol } = mark;
  const place = { path, start, end, symbol, folder };
  await reveal.reveal({ ...place, snippet: '', snippetStart: start }, 'open');
}
