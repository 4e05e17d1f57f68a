/** What each key does in the list of hits; plain data in, an act out, so that it can be tested without a browser. */
import type { PanelEvent } from './model';

/** The part of a keyboard event that counts. */
export interface Key {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** The row that the key is pressed on. */
export interface KeyTarget {
  readonly key: string;
  readonly isFile: boolean;
  readonly isNested: boolean;
  readonly isMac: boolean;
}

/** What the key does on that row; undefined leaves it to the browser and the editor. */
export function actOf(key: Key, row: KeyTarget): PanelEvent | undefined {
  if (key.altKey) return undefined;
  const isMod = row.isMac ? key.metaKey : key.ctrlKey;
  const moved = moveOf(key, row);
  if (moved) return moved;
  if (key.key === 'Escape') return { type: 'escaped' };
  if (isMod && key.key.toLowerCase() === 'a') return { type: 'selectedAll' };
  if (isMod && key.key.toLowerCase() === 'z' && !key.shiftKey) return { type: 'undone' };
  if (isMod && key.key.toLowerCase() === 'c')
    return { type: 'copied', format: key.shiftKey ? 'markdown' : 'pathLine' };
  return row.isFile ? fileAct(key, row) : hitAct(key, row, isMod);
}

function moveOf(key: Key, row: KeyTarget): PanelEvent | undefined {
  if (key.ctrlKey || key.metaKey) return undefined;
  const isExtending = key.shiftKey;
  switch (key.key) {
    case 'ArrowDown':
      return { type: 'moved', to: 'next', isExtending };
    case 'ArrowUp':
      return { type: 'moved', to: 'previous', isExtending };
    case 'Home':
      return { type: 'moved', to: 'first', isExtending };
    case 'End':
      return { type: 'moved', to: 'last', isExtending };
    case 'PageDown':
      return { type: 'moved', to: 'pageDown', isExtending };
    case 'PageUp':
      return { type: 'moved', to: 'pageUp', isExtending };
    case 'ArrowLeft':
      if (row.isFile) return { type: 'fileToggled', key: row.key, isClosed: true };
      return row.isNested ? { type: 'moved', to: 'parent', isExtending: false } : undefined;
    case 'ArrowRight':
      return row.isFile ? { type: 'fileToggled', key: row.key, isClosed: false } : undefined;
    default:
      return undefined;
  }
}

function fileAct(key: Key, row: KeyTarget): PanelEvent | undefined {
  const isToggle = key.key === 'Enter' || key.key === ' ';
  return isToggle ? { type: 'fileToggled', key: row.key } : undefined;
}

function hitAct(key: Key, row: KeyTarget, isMod: boolean): PanelEvent | undefined {
  switch (key.key) {
    case 'Enter':
      return { type: 'opened', key: row.key, mode: isMod ? 'side' : 'open' };
    case ' ':
      if (key.ctrlKey) return { type: 'clicked', key: row.key, how: 'toggle' };
      return { type: 'opened', key: row.key, mode: 'preview' };
    case 'Delete':
    case '-':
      return { type: 'judged', key: row.key, verdict: 'notRelevant' };
    case 'Backspace':
      return row.isMac ? { type: 'judged', key: row.key, verdict: 'notRelevant' } : undefined;
    case '+':
      return { type: 'judged', key: row.key, verdict: 'relevant' };
    case '?':
      return { type: 'explained', key: row.key };
    default:
      return undefined;
  }
}
