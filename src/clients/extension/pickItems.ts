/** The rows of the palette's search, one a hit, in the engine's order. */
import { fileName, folderName, nameAndSpan, plain, visible } from './hitText';
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
export function hitRow(hit: WorkspaceHit, query: string, isMultiRoot: boolean): HitRow {
  const place = isMultiRoot
    ? [hit.folderName, folderName(hit.path)].filter(Boolean).join('/')
    : folderName(hit.path);
  const parts = [hit.symbol, place].filter(Boolean).map(visible);
  const verdict = hit.mark && verdictIcons[hit.mark.verdict];
  return {
    label: [verdict, plain(nameAndSpan(hit))].filter(Boolean).join(' '),
    description: plain(parts.join('  ')),
    detail: plain(bestLine(hit, query)),
    alwaysShow: true,
  };
}

/** The line of the snippet with most words of the query; of equals the first that says something. */
function bestLine({ snippet, path }: WorkspaceHit, query: string): string {
  const words = [...new Set(query.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu))];
  const lines = snippet.split('\n').filter((line) => /[\p{L}\p{N}]/u.test(line));
  const count = (line: string): number => {
    const text = line.toLowerCase();
    return words.filter((word) => text.includes(word)).length;
  };
  let best = lines[0] ?? fileName(path);
  for (const line of lines) if (count(line) > count(best)) best = line;
  const shown = visible(best.trim());
  return shown.length <= longestDetail ? shown : `${shown.slice(0, longestDetail - 1)}…`;
}
