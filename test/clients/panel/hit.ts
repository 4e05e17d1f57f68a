/** Hits for tests of the panel: small, told apart by one letter. */
import { hitKey, type PanelHit } from '../../../src/protocol/panelMessages';

/** A hit in `src/NAME.ts`, lines 5 to 7 (1-based). */
export function hitNamed(name: string, changes: Partial<PanelHit> = {}): PanelHit {
  const hit = {
    folder: '/w',
    path: `src/${name}.ts`,
    start: 4,
    end: 7,
    rank: 1,
    score: 1,
    symbol: name,
    kind: 'definition',
    language: 'typescript',
    snippet: `function ${name}() {\n  return 1;\n}`,
    snippetStart: 4,
    why: 'words',
    ...changes,
  };
  return { ...hit, key: hitKey(hit) };
}

/** Several hits by name, in this order. */
export function hitsNamed(...names: readonly string[]): PanelHit[] {
  return names.map((name, index) => hitNamed(name, { rank: index + 1 }));
}
