/** A hit as text: labels of a list, lines to copy, a page of hits. File names and code come from anywhere: shown as text only. */
import type { WorkspaceHit } from './multiRoot';

type Place = Pick<WorkspaceHit, 'path' | 'start' | 'end'>;

/** What could turn the direction of text or hide in it; shown as a replacement character. */
const unsafe = /(?![\t\u200c\u200d])[\p{Cc}\p{Cf}]/gu;

/** One line of foreign text: controls and direction marks become visible, blanks stay. */
export function visible(text: string): string {
  return text.replaceAll(/\r?\n/g, ' ').replaceAll(unsafe, '\ufffd');
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

/** "src/queue/retry.ts:12", a line for each hit. */
export function copyAsPaths(hits: readonly Place[]): string {
  return hits.map(({ path, start }) => `${path}:${start + 1}`).join('\n');
}

/** Each hit as a line that names it and its code in a fence that the code itself cannot close. */
export function copyAsMarkdown(
  hits: readonly (Place & Pick<WorkspaceHit, 'language'>)[],
  codeOf: (index: number) => string,
): string {
  return hits
    .map((hit, index) => {
      const code = codeOf(index).replace(/\n+$/, '');
      const longest = Math.max(2, ...[...code.matchAll(/`+/g)].map(([run]) => run.length));
      const fence = '`'.repeat(longest + 1);
      return `\`${hit.path}:${lineSpan(hit)}\`\n\n${fence}${hit.language}\n${code}\n${fence}\n`;
    })
    .join('\n');
}
