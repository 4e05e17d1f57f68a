/**
 * Why a hit stands where it stands, summed up under five heads that a person knows: words, meaning, the re-ranker,
 * rules, your marks. The engine's parts add up to the score, so the heads do too.
 */
import type { PanelHit } from '../../protocol/panelMessages';

export type Head = 'words' | 'meaning' | 'reranker' | 'rules' | 'marks';

export interface AccountLine {
  readonly head: Head;
  readonly contribution: number;
  /** What the engine says about each part under this head. */
  readonly sentences: readonly string[];
}

const heads: readonly Head[] = ['words', 'meaning', 'reranker', 'rules', 'marks'];

/** A line for each head, in their order; a head without any part has contribution 0 and no sentence. */
export function accountOf(hit: Pick<PanelHit, 'explain'>): AccountLine[] {
  const parts = hit.explain ?? [];
  return heads.map((head) => {
    const own = parts.filter((part) => headOf(part.name) === head);
    const contribution = own.reduce((sum, part) => sum + part.contribution, 0);
    const sentences = own.map((part) => {
      const label = part.label ?? part.name;
      const isNamed = head === 'rules' && label !== '' && !part.text.startsWith(label);
      return isNamed ? `${label}: ${part.text}` : part.text;
    });
    return { head, contribution, sentences };
  });
}

/** The head that makes most of the difference between two hits, and the difference of each. */
export function compareAccounts(
  first: readonly AccountLine[],
  second: readonly AccountLine[],
): { readonly decisive?: Head; readonly differences: Readonly<Record<Head, number>> } {
  const of = (lines: readonly AccountLine[], head: Head): number =>
    lines.find((line) => line.head === head)?.contribution ?? 0;
  const entries = heads.map((head) => [head, of(first, head) - of(second, head)] as const);
  const total = entries.reduce((sum, [, difference]) => sum + difference, 0);
  // What pulled in the direction that won; in a draw whatever pulled most.
  const direction = Math.sign(total) || 1;
  const ordered = [...entries].sort((a, b) => direction * (b[1] - a[1]));
  const [winner] = ordered;
  const decisive = winner && winner[1] * direction > 0 ? winner[0] : undefined;
  return { decisive, differences: Object.fromEntries(entries) as Record<Head, number> };
}

/** The largest contribution of either sign, for bars on one scale; never 0. */
export function scaleOf(...accounts: readonly (readonly AccountLine[])[]): number {
  const all = accounts.flat().map((line) => Math.abs(line.contribution));
  return Math.max(1e-9, ...all);
}

function headOf(name: string): Head {
  if (name === 'words') return 'words';
  if (name === 'meaning' || name.startsWith('meaning ') || name === 'embeddings') return 'meaning';
  if (name === 're-ranker') return 'reranker';
  if (name === 'your marks') return 'marks';
  return 'rules';
}
