/** What commands, palette and panel work with; built once by `activate`, which owns every lifetime. */
import type * as vscode from 'vscode';
import type { EngineClientOptions } from '../engineClient';
import type { EngineHost } from './engineHost';
import type { HitCursor } from './hitCursor';
import type { WorkspaceResult } from './multiRoot';
import type { HitReveal } from './reveal';
import type { ExtensionSettings } from './settings';
import type { WorkspaceIndexes } from './workspace';

export interface Services {
  readonly engine: EngineHost;
  /** Of now: settings may change them. */
  readonly engineOptions: () => EngineClientOptions;
  readonly workspace: WorkspaceIndexes;
  readonly settings: ExtensionSettings;
  readonly reveal: HitReveal;
  readonly cursor: HitCursor;
  readonly log: vscode.LogOutputChannel;
  readonly search: (
    query: string,
    signal: AbortSignal,
    onFirst: (result: WorkspaceResult) => void,
  ) => Promise<WorkspaceResult>;
  readonly moveToPanel: (query: string) => void;
}
