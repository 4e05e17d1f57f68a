/** Hits as text that leaves the panel: path:line, Markdown with the code, and a Search Editor's own format. */
import type { PanelHit } from '../../protocol/panelMessages';

interface HitText {
  readonly hit: PanelHit;
  readonly text: string;
}

/** One `path:line` a hit, in order; lines from 1. */
export function pathLinesOf(hits: readonly PanelHit[]): string {
  return hits.map((hit) => `${fullPath(hit)}:${hit.start + 1}`).join('\n');
}

/** A heading and a fenced block a hit. The fence is longer than any run of backticks inside. */
export function markdownOf(hits: readonly HitText[]): string {
  return hits
    .map(({ hit, text }) => {
      const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
      const symbol = hit.symbol === '' ? '' : ` — ${hit.symbol}`;
      const code = text.replace(/\n$/, '');
      return `${inlineCode(`${fullPath(hit)}:${hit.start + 1}-${hit.end}`)}${symbol}\n\n${fence}${hit.language}\n${code}\n${fence}\n`;
    })
    .join('\n');
}

/**
 * What a Search Editor holds: its header, then for each file the path and the lines, "  12:" before lines that are
 * hits. The editor makes links of them.
 */
export function searchEditorText(query: string, hits: readonly HitText[]): string {
  const files = new Map<string, HitText[]>();
  for (const hit of hits) {
    const file = fullPath(hit.hit);
    files.set(file, [...(files.get(file) ?? []), hit]);
  }
  const head = [`# Query: ${query.replaceAll(/\s+/g, ' ').trim()}`, ''];
  const count = `${hits.length} ${hits.length === 1 ? 'result' : 'results'} - ${files.size} ${files.size === 1 ? 'file' : 'files'}`;
  const blocks = [...files].map(([file, parts]) => {
    const ordered = [...parts].sort((a, b) => a.hit.start - b.hit.start);
    return [`${file}:`, ...ordered.flatMap(linesOf)].join('\n');
  });
  return [...head, count, '', ...blocks.flatMap((block) => [block, ''])].join('\n');
}

function linesOf({ hit, text }: HitText): string[] {
  return text
    .replace(/\n$/, '')
    .split(/\r?\n/)
    .map((line, index) => `  ${hit.start + index + 1}: ${line}`);
}

function fullPath(hit: PanelHit): string {
  return hit.folderName ? `${hit.folderName}/${hit.path}` : hit.path;
}

function inlineCode(text: string): string {
  const fence = '`'.repeat(longestRun(text) + 1);
  return text.includes('`') ? `${fence} ${text} ${fence}` : `${fence}${text}${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
}
