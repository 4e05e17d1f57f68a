/** What the status bar and `Show Status` say: the engine, each folder, how far it is. Plain functions over plain data. */
import type { Finding } from '../../protocol/engineLock';
import type { EngineState } from './engineHost';
import { localised } from './engineSentences';
import type { Translate } from '../../base/translate';
import type { WorkspaceFolder } from './workspace';

type Folder = Pick<WorkspaceFolder, 'name' | 'state' | 'status' | 'problem'>;

/** One finding of doctor on its page: "ok    engine: None is running". */
export function findingLine({ level, name, text }: Finding, t: Translate): string {
  const marks = { ok: t('ok'), warn: t('warn'), fail: t('FAIL') };
  return `${marks[level].padEnd(4)}  ${localised(name, t)}: ${localised(text, t)}`;
}

export interface StatusLine {
  /** With codicons, for the status bar. */
  readonly text: string;
  readonly isProblem: boolean;
}

/** The one line of the status bar. */
export function statusLine(
  engine: EngineState,
  folders: readonly Folder[],
  t: Translate,
): StatusLine {
  if (engine.kind === 'stopped') return problem(t('Nearmiss stopped'));
  if (engine.kind === 'restarting') return problem(t('Nearmiss restarting'));
  if (folders.some(({ state }) => state === 'failed')) return problem(t('Nearmiss'));
  const isWaiting = folders.some(({ state }) => state === 'waiting');
  if (engine.kind === 'starting' || isWaiting) return busy(t('Nearmiss starting'));
  const live = folders.filter(({ state }) => state === 'indexed');
  if (folders.length > 0 && live.length === 0)
    return { text: '$(circle-slash) Nearmiss', isProblem: false };
  if (live.some(({ status }) => status?.state === 'paused'))
    return { text: '$(debug-pause) Nearmiss', isProblem: false };
  const percent = percentOf(live);
  if (live.some(isComparing) && !percent) return busy(t('Nearmiss'));
  if (percent !== undefined) return busy(t('Nearmiss {0} %', percent));
  return { text: '$(search-sparkle) Nearmiss', isProblem: false };
}

/** Nobody knows yet whether anything is to be done, in a folder that has an index. */
function isComparing({ status }: Folder): boolean {
  if (!status || status.wordDocumentCount === 0) return false;
  return status.state === 'unknown' || status.state === 'scanning';
}

/** All work that is left in per cent, rounded down; undefined when nothing is. */
function percentOf(folders: readonly Folder[]): number | undefined {
  const working = folders.filter(({ status }) => status && !status.isComplete);
  if (working.length === 0) return undefined;
  const sum = working.reduce((total, { status }) => total + (status?.fraction ?? 0), 0);
  return Math.min(99, Math.floor((100 * sum) / working.length));
}

/** "412 files, 3,100 of 5,000 passages embedded" */
export function folderLine({ state, status, problem: why }: Folder, t: Translate): string {
  if (state === 'off') return t('switched off by a setting');
  if (state === 'declined') return t('not indexed, as you wished');
  if (state === 'failed') return why === undefined ? t('cannot be indexed') : localised(why, t);
  if (!status || state === 'waiting') return t('waiting for the engine');
  const { documentCount } = status;
  const files = documentCount === 1 ? t('1 file') : t('{0} files', number(documentCount));
  if (status.isComplete) return t('{0}, ready', files);
  const embedded = t(
    '{0} of {1} passages embedded',
    number(status.embeddedCount),
    number(status.embeddableCount),
  );
  const doing = status.state === 'paused' ? t('paused') : doingText(status.state, t);
  const reason = status.reason === undefined ? '' : localised(status.reason, t);
  return [files, doing, embedded, reason].filter(Boolean).join(', ');
}

function doingText(state: string, t: Translate): string {
  const texts: Readonly<Record<string, string>> = {
    scanning: t('looking for changes'),
    words: t('reading words'),
    static: t('reading syntax'),
    embedding: t('embedding'),
    graph: t('building the graph'),
  };
  return texts[state] ?? '';
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function problem(text: string): StatusLine {
  return { text: `$(warning) ${text}`, isProblem: true };
}

function busy(text: string): StatusLine {
  return { text: `$(sync~spin) ${text}`, isProblem: false };
}
