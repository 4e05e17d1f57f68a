/**
 * Several rankers' opinions about one query made one (after arXiv 2411.02404): each proposes its best chunks, and a
 * chunk that some do not know gets their lowest score.
 *   soft      mean of scores brought to 0..1 within each ranker
 *   weighted  the same, each ranker with its own weight
 *   fused     Σ w / (60 + rank), where scales are of no use
 */
import type { Scored } from '../store/types';

export type Voting = 'soft' | 'weighted' | 'fused';

/** What one ranker says: its best chunks, best first. */
export interface Ballot {
  readonly ranking: readonly Scored[];
  /** 1 when left out; soft voting does not look at it. */
  readonly weight?: number;
}

/** Rank constant of reciprocal rank fusion. */
const RANK_CONSTANT = 60;

/** All chunks proposed, best first; equal votes by chunk id. */
export function countVotes(ballots: readonly Ballot[], voting: Voting): Scored[] {
  const chunkIds = [...new Set(ballots.flatMap(({ ranking }) => ranking.map((r) => r.chunkId)))];
  const total = ballots.reduce((sum, ballot) => sum + weightOf(ballot, voting), 0);
  const voteOf = ballots.map((ballot) => votesOf(ballot, voting));
  const scored = chunkIds.map((chunkId) => {
    const sum = voteOf.reduce((sum, vote) => sum + vote(chunkId), 0);
    return { chunkId, score: voting === 'fused' ? sum : sum / total };
  });
  return scored.sort((a, b) => b.score - a.score || a.chunkId - b.chunkId);
}

function weightOf({ weight = 1 }: Ballot, voting: Voting): number {
  return voting === 'soft' ? 1 : weight;
}

function votesOf(ballot: Ballot, voting: Voting): (chunkId: number) => number {
  const { ranking } = ballot;
  const weight = weightOf(ballot, voting);
  if (voting === 'fused') {
    const ranks = new Map(ranking.map(({ chunkId }, i) => [chunkId, i + 1]));
    return (chunkId) => {
      const rank = ranks.get(chunkId);
      return rank === undefined ? 0 : weight / (RANK_CONSTANT + rank);
    };
  }
  const scores = ranking.map(({ score }) => score);
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const share = (score: number): number => (high > low ? (score - low) / (high - low) : 1);
  const shares = new Map(ranking.map(({ chunkId, score }) => [chunkId, share(score)]));
  return (chunkId) => weight * (shares.get(chunkId) ?? 0);
}

/** Mean raw score by chunk; rankers that do not know a chunk give their lowest. For rankers of one scale only. */
export function meanScores(ballots: readonly Ballot[]): (chunkId: number) => number {
  const known = ballots
    .filter(({ ranking }) => ranking.length > 0)
    .map(({ ranking }) => ({
      scores: new Map(ranking.map(({ chunkId, score }) => [chunkId, score])),
      lowest: Math.min(...ranking.map(({ score }) => score)),
    }));
  return (chunkId) =>
    known.reduce((sum, { scores, lowest }) => sum + (scores.get(chunkId) ?? lowest), 0) /
    Math.max(known.length, 1);
}
