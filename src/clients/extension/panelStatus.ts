/** What can be searched just now, and what stands in the way, as the panel is told. Plain data in, plain data out. */
import { NearmissError } from '../../base/errors';
import type { PanelStatus } from '../../protocol/panelMessages';
import type { EngineState } from './engineHost';
import { localised } from './engineSentences';
import { folderLine } from './statusText';
import type { Translate } from '../../base/translate';
import type { WorkspaceFolder } from './workspace';

type Folder = Pick<WorkspaceFolder, 'name' | 'state' | 'status' | 'problem'>;

/** Of the window itself. */
export interface WindowState {
  readonly isTrusted: boolean;
  /** All that are open, also those that are not on a disk. */
  readonly openFolderCount: number;
}

export function panelStatus(
  engine: EngineState,
  folders: readonly Folder[],
  { isTrusted, openFolderCount }: WindowState,
  t: Translate,
): PanelStatus {
  const live = folders.filter(({ state }) => state === 'indexed');
  const troubled = folders.filter(({ state }) => state === 'failed' || state === 'declined');
  const states = live.flatMap(({ status }) => (status ? [status.state] : []));
  return {
    ...kindOf(engine, folders, openFolderCount, t),
    isTrusted,
    isPaused: states.length > 0 && states.every((state) => state === 'paused'),
    folders: live.flatMap((folder) => progressOf(folder, t)),
    problems: troubled.map((folder) => `${folder.name}: ${folderLine(folder, t)}`),
  };
}

function kindOf(
  engine: EngineState,
  folders: readonly Folder[],
  openFolderCount: number,
  t: Translate,
): Pick<PanelStatus, 'kind' | 'reason' | 'advice'> {
  if (openFolderCount === 0) return { kind: 'noFolder' };
  if (folders.length === 0) return { kind: 'virtual' };
  if (engine.kind === 'stopped') {
    const { message } = engine.error;
    const advice = engine.error instanceof NearmissError ? engine.error.advice : undefined;
    return {
      kind: 'engineGone',
      reason: localised(message, t),
      advice: advice === undefined ? undefined : localised(advice, t),
    };
  }
  if (engine.kind === 'restarting')
    return { kind: 'starting', reason: t('The engine ended and is being started again') };
  if (engine.kind === 'starting') return { kind: 'starting' };
  const [first] = folders;
  const isOnlyDeclined = folders.every(({ state }) => state === 'declined' || state === 'off');
  if (isOnlyDeclined && first)
    return { kind: 'needsConfirmation', reason: `${first.name}: ${folderLine(first, t)}` };
  return { kind: 'ready' };
}

function progressOf({ name, status }: Folder, t: Translate): PanelStatus['folders'] {
  if (!status) return [];
  const { state, reason, documentCount, wordDocumentCount, staticDocumentCount } = status;
  const { embeddableCount, embeddedCount, skippedCount, fraction, isComplete } = status;
  const documents = { documentCount, wordDocumentCount, staticDocumentCount };
  const passages = { embeddableCount, embeddedCount, skippedCount };
  const said = reason === undefined ? undefined : localised(reason, t);
  return [{ name, state, reason: said, ...documents, ...passages, fraction, isComplete }];
}
