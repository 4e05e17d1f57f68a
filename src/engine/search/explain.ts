/** Why a hit stands where it stands: each part's rank, raw value and contribution, in words a person accepts. */
import type { Fused } from './fuse';
import { type MarkEffect, sentenceOfMark } from './marks';
import type { RerankScore } from './rerank';
import type { RuleEffect } from './boosts';
import type { Candidate } from './retrieve';
import type { ExplainPart } from './types';

/** Everything that made one hit's score. */
export interface Evidence {
  readonly candidate: Candidate;
  readonly fused: Fused;
  readonly meaningShare: number;
  readonly effects: readonly RuleEffect[];
  readonly rerank?: RerankScore & { readonly added: number; readonly rank: number };
  readonly mark?: MarkEffect;
  /** Factor for being a further chunk of a file already taken. */
  readonly repeatFactor: number;
  readonly score: number;
}

/**
 * The parts in the order they act. Additive parts (contribution) come first; factors follow with what they
 * took away, so that all contributions sum up to the score.
 */
export function explainHit(evidence: Evidence): ExplainPart[] {
  const parts = [...retrieverParts(evidence), ...ruleParts(evidence)];
  if (evidence.repeatFactor !== 1) {
    const before = parts.reduce((sum, part) => sum + part.contribution, 0);
    parts.push(repeatPart(evidence.repeatFactor, before));
  }
  if (evidence.rerank) parts.push(rerankPart(evidence.rerank));
  if (evidence.mark) parts.push(markPart(evidence.mark));
  return parts;
}

/** What a mark did, for any sort of hit. */
export function markPart(effect: MarkEffect): ExplainPart {
  const { added, similarity } = effect;
  return {
    name: 'your marks',
    value: similarity,
    contribution: added,
    sentence: sentenceOfMark(effect),
  };
}

function repeatPart(factor: number, before: number): ExplainPart {
  const sentence = 'counts less: the file already has a better hit';
  return { name: 'same file', value: factor, contribution: before * factor - before, sentence };
}

function retrieverParts({ candidate, fused, meaningShare }: Evidence): ExplainPart[] {
  const parts: ExplainPart[] = [];
  const words = candidate.words;
  parts.push({
    name: 'words',
    rank: words?.rank,
    value: words?.value ?? 0,
    contribution: (1 - meaningShare) * fused.words,
    sentence: words
      ? `BM25 ${words.value.toFixed(2)}${rankText(words.rank)}`
      : 'no word of the query is in it',
  });
  const meaning = fused.meaningTier ? candidate[fused.meaningTier] : undefined;
  if (meaning && fused.meaningTier)
    parts.push({
      name: fused.meaningTier === 'static' ? 'meaning (static)' : 'meaning',
      rank: meaning.rank,
      value: meaning.value,
      contribution: meaningShare * fused.meaning,
      sentence: `cosine ${meaning.value.toFixed(2)}${rankText(meaning.rank)}`,
    });
  return parts;
}

function rankText(rank: number | undefined): string {
  return rank === undefined ? '' : `, rank ${rank}`;
}

function ruleParts({ effects, fused }: Evidence): ExplainPart[] {
  let score = fused.score;
  const parts: ExplainPart[] = [];
  const ordered = [
    ...effects.filter((effect) => effect.added !== 0),
    ...effects.filter((effect) => effect.added === 0),
  ];
  for (const { name, added, factor, sentence } of ordered) {
    const after = (score + added) * factor;
    parts.push({
      name,
      value: added !== 0 ? added : factor,
      contribution: after - score,
      sentence,
    });
    score = after;
  }
  return parts;
}

function rerankPart(rerank: NonNullable<Evidence['rerank']>): ExplainPart {
  return {
    name: 're-ranker',
    rank: rerank.rank,
    value: rerank.logit,
    contribution: rerank.added,
    sentence: `logit ${rerank.logit.toFixed(2)}, ${Math.round(rerank.share * 100)} % of what its best gets`,
  };
}
