/** Command id -> function. The manifest lists the same ids, a test holds the two together. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import { tellFailure } from './failure';
import { SearchPick } from './searchPick';
import type { Services } from './services';

type Command = (services: Services, ...args: unknown[]) => unknown;

const commands = {
  'nearmiss.searchWorkspace': (services, query) =>
    new SearchPick(services, typeof query === 'string' ? query : ''),
  'nearmiss.nextHit': (services) => goTo(services, 1),
  'nearmiss.previousHit': (services) => goTo(services, -1),
  'nearmiss.focusPanel': () => vscode.commands.executeCommand('nearmiss.panel.focus'),
  'nearmiss.restartEngine': ({ engine }) => engine.restart(),
  'nearmiss.showLog': ({ log }) => log.show(),
} as const satisfies Record<string, Command>;

/** Registers every command; what one throws is told in a sentence. */
export function registerCommands(services: Services): Disposable {
  const store = new DisposableStore();
  for (const [id, command] of Object.entries<Command>(commands))
    store.add(
      vscode.commands.registerCommand(id, (...args: unknown[]) =>
        tellFailure(services.log, () => command(services, ...args)),
      ),
    );
  return store;
}

async function goTo({ cursor, reveal }: Services, by: 1 | -1): Promise<void> {
  const opened = cursor.move(by);
  if (opened) await reveal.reveal(opened.hit, 'open');
}
