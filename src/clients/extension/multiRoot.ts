/**
 * One list of hits from several folders. Scores compare only within one folder, so folders are merged by what keeps its
 * level between them: the cosine to the query and the words found. Within a folder the engine's order always stays.
 */
import type { ExplainedPart, SearchHit, SearchResult, Tier } from '../../protocol/types';

/** A hit and the workspace folder it lies in. */
export interface WorkspaceHit extends SearchHit {
  /** Path of the workspace folder as the editor writes it. */
  readonly folder: string;
  readonly folderName: string;
}

export interface WorkspaceResult extends Omit<SearchResult, 'hits'> {
  readonly hits: readonly WorkspaceHit[];
}

/** What one folder answered. */
export interface FolderAnswer {
  readonly folder: string;
  readonly folderName: string;
  readonly result: SearchResult;
}

const emptyResult: Omit<WorkspaceResult, 'query'> = {
  tiers: [],
  tookMs: { total: 0 },
  noGoodMatch: true,
  notes: [],
  isReranked: false,
  hits: [],
};

/** The answers as one, at most `limit` hits, ranks counted anew from 1. */
export function mergeAnswers(
  query: string,
  answers: readonly FolderAnswer[],
  limit: number,
): WorkspaceResult {
  if (answers.length === 0) return { ...emptyResult, query };
  const hits = cut(mergeHits(answers), limit);
  return {
    query,
    tiers: commonTiers(answers),
    tookMs: slowest(answers),
    noGoodMatch: answers.every(({ result }) => result.noGoodMatch),
    notes: [...new Set(answers.flatMap(({ result }) => result.notes))],
    isReranked: answers.every(({ result }) => result.isReranked || result.hits.length === 0),
    hits: hits.map((hit, index) => ({ ...hit, rank: index + 1 })),
  };
}

/** Hits that a person sees without scrolling. */
const fold = 10;

/** The first hits, and in their last places what was marked not relevant: it is dimmed there and can be taken back. */
function cut(hits: readonly WorkspaceHit[], limit: number): readonly WorkspaceHit[] {
  const sunk = hits.filter(isSunk).slice(0, Math.max(0, limit - fold));
  const others = hits.filter((hit) => !isSunk(hit));
  return hits.length <= limit ? hits : [...others.slice(0, limit - sunk.length), ...sunk];
}

function isSunk(hit: SearchHit): boolean {
  return hit.mark?.verdict === 'notRelevant';
}

/** Always the best of the folders' next hits; of equals the folder named first. */
function mergeHits(answers: readonly FolderAnswer[]): WorkspaceHit[] {
  const queues = answers.map(({ folder, folderName, result }) => {
    const hits = result.hits.map((hit): WorkspaceHit => ({ ...hit, folder, folderName }));
    return { hits, strengths: hits.map((hit) => strengthOf(hit, result.noGoodMatch)), next: 0 };
  });
  const merged: WorkspaceHit[] = [];
  for (;;) {
    let best: (typeof queues)[number] | undefined;
    for (const queue of queues) {
      if (queue.next === queue.hits.length) continue;
      if (!best || queue.strengths[queue.next]! > best.strengths[best.next]!) best = queue;
    }
    if (!best) return merged;
    merged.push(best.hits[best.next++]!);
  }
}

/** Where nothing answers well, nothing may stand above a folder that does. */
const weakPenalty = 10;
/** What is marked not relevant stands behind the hits of every folder, weak ones as well. */
const sunkPenalty = 20;
/** What a rule or a mark gives in units of a cosine, about what it gives in the engine. */
const ruleWeight = 0.35;

/**
 * How good a hit is, on a level that holds between folders: raw cosine, and what the other parts gave, which are
 * scaled by the engine to the best hit of the query.
 */
function strengthOf(hit: SearchHit, isWeak: boolean): number {
  const parts = hit.explain ?? [];
  const cosine = parts.find(isMeaning)?.value;
  const others = parts.filter((part) => !isMeaning(part));
  const added = others.reduce((sum, part) => sum + part.contribution, 0);
  const strength = cosine === undefined ? ruleWeight * hit.score : cosine + ruleWeight * added;
  return strength - (isWeak ? weakPenalty : 0) - (isSunk(hit) ? sunkPenalty : 0);
}

function isMeaning(part: ExplainedPart): boolean {
  return part.name.startsWith('meaning');
}

/** Tiers that every folder has: the answer rests on no more than that. */
function commonTiers(answers: readonly FolderAnswer[]): Tier[] {
  const [first, ...others] = answers;
  return (first?.result.tiers ?? []).filter((tier) =>
    others.every(({ result }) => result.tiers.includes(tier)),
  );
}

function slowest(answers: readonly FolderAnswer[]): Record<string, number> {
  const took: Record<string, number> = {};
  for (const { result } of answers)
    for (const [stage, ms] of Object.entries(result.tookMs))
      took[stage] = Math.max(took[stage] ?? 0, ms);
  return took;
}
