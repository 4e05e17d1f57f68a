/** The rows of the palette's search, one a hit, in the engine's order. */
import { fileName, folderName, nameAndSpan, visible } from './hitText';
import type { WorkspaceHit } from './multiRoot';

/** What a row shows; `alwaysShow` keeps VS Code from filtering by the label. */
export interface HitRow {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly alwaysShow: true;
}

const longestDetail = 200;
/** In front of hits that a mark moved. */
const verdictIcons = { relevant: '$(thumbsup)', notRelevant: '$(thumbsdown)' } as const;

/** Symbol, folder and, with several folders in the window, which of them. */
export function hitRow(hit: WorkspaceHit, isMultiRoot: boolean): HitRow {
  const place = isMultiRoot
    ? [hit.folderName, folderName(hit.path)].filter(Boolean).join('/')
    : folderName(hit.path);
  const parts = [hit.symbol, place].filter(Boolean).map(visible);
  const verdict = hit.mark && verdictIcons[hit.mark.verdict];
  return {
    label: [verdict, plain(nameAndSpan(hit))].filter(Boolean).join(' '),
    description: plain(parts.join('  ')),
    detail: plain(bestLine(hit)),
    alwaysShow: true,
  };
}

/** The first line of the snippet that says something. */
function bestLine({ snippet, path }: WorkspaceHit): string {
  const line = snippet.split('\n').find((text) => /[\p{L}\p{N}]/u.test(text)) ?? fileName(path);
  const shown = visible(line.trim());
  return shown.length <= longestDetail ? shown : `${shown.slice(0, longestDetail - 1)}…`;
}

/** `$(name)` in a row would be drawn as an icon. */
function plain(text: string): string {
  return text.replaceAll('$(', '$\u2060(');
}
