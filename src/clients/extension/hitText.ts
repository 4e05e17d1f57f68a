/** A hit as the text of a row. File names and code come from anywhere: they are shown as text only. */
import type { WorkspaceHit } from './multiRoot';

type Place = Pick<WorkspaceHit, 'path' | 'start' | 'end'>;

/** What could turn the direction of text or hide in it; shown as a replacement character. */
const unsafe = /(?![\t\u200c\u200d])[\p{Cc}\p{Cf}]/gu;

/** One line of foreign text: controls and direction marks become visible, blanks stay. */
export function visible(text: string): string {
  return text.replaceAll(/\r?\n/g, ' ').replaceAll(unsafe, '\ufffd');
}

/** Foreign text inside a message of the editor, which would make links and icons of what looks like one. */
export function inMessage(text: string): string {
  return plain(visible(text)).replaceAll('](', ']\u2060(');
}

/** `$(name)` in a row would be drawn as an icon. */
export function plain(text: string): string {
  return text.replaceAll('$(', '$\u2060(');
}

/** "12-40", or "12" for a single line; as a person counts. */
export function lineSpan({ start, end }: Pick<Place, 'start' | 'end'>): string {
  return end - start <= 1 ? `${start + 1}` : `${start + 1}-${end}`;
}

/** "retry.ts:12-40" */
export function nameAndSpan(hit: Place): string {
  return `${visible(fileName(hit.path))}:${lineSpan(hit)}`;
}

export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folders above a file, '' at the top. */
export function folderName(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
