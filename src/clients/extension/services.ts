/** What commands, palette and panel work with; built once by `activate`, which owns every lifetime. */
import type * as vscode from 'vscode';
import type { EngineClientOptions } from '../engineClient';
import type { EngineHost } from './engineHost';
import type { HitCursor } from './hitCursor';
import type { MarkableHit, Marking, Question } from './marking';
import type { PanelHost } from './panelHost';
import type { ReadOnlyText } from './readOnlyText';
import type { HitReveal } from './reveal';
import type { WorkspaceSearch } from './searching';
import type { ExtensionSettings } from './settings';
import type { WorkspaceIndexes } from './workspace';

export interface Services {
  readonly engine: EngineHost;
  /** Of now: settings may change them. */
  readonly engineOptions: () => EngineClientOptions;
  readonly workspace: WorkspaceIndexes;
  readonly searching: WorkspaceSearch;
  readonly settings: ExtensionSettings;
  readonly marking: Marking;
  readonly reveal: HitReveal;
  readonly cursor: HitCursor;
  readonly pages: ReadOnlyText;
  readonly panel: PanelHost;
  readonly log: vscode.LogOutputChannel;
  /** What was searched for in the panel, newest first. */
  readonly typedQueries: () => readonly string[];
  readonly forgetTypedQueries: () => Promise<void>;
  /** To be told of every hit that is opened for good. */
  readonly opened: (hit: MarkableHit, question: Question) => void;
}
