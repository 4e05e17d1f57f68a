/**
 * Hard-negative mining by an ensemble (arXiv 2411.02404 and 2505.18366; training-methods, section 6): several spaces
 * propose candidates, votes put them in order, filters take out what may be an answer, and a group is drawn:
 *
 *   explicit marks, always | mined, from the voted ranks 2 to 30 | one chunk at random
 *
 * What a filter took out comes back with its reason, so that a person can look and a bench can count. The same seed
 * gives the same groups.
 */
import { type Random, sample, shuffle } from '../../base/random';
import type { Scored } from '../store/types';
import { DUPLICATE_COSINE, type TextIdentity, isDuplicate } from './duplicates';
import { type Calibration, isNoCopy } from './twoConditions';
import { type Ballot, type Voting, countVotes, meanScores } from './voting';

/** A chunk that may be mined. */
export interface MiningChunk extends TextIdentity {
  readonly id: number;
  readonly text: string;
}

/** Whose negatives are looked for. Ids are those of chunks. */
export interface MiningQuery {
  readonly text: string;
  readonly positives: readonly number[];
  /** Marked not relevant by a person. */
  readonly explicit?: readonly number[];
  /** Relevant to a query that reads nearly the same. */
  readonly acceptedElsewhere?: readonly number[];
}

/** One way of ranking: an embedding space, BM25, any checkpoint. */
export interface MiningSpace {
  readonly name: string;
  readonly weight?: number;
  /** Cosines of all spaces are compared with one another; BM25's scores are not. */
  readonly isCosine: boolean;
  /** The best chunks for the query, best first. */
  rank(query: MiningQuery, limit: number): Promise<readonly Scored[]>;
}

/** Distances in the space of the second condition. */
export interface MiningDistances {
  toQuery(query: MiningQuery, chunkId: number): number;
  between(chunkId: number, otherId: number): number;
  readonly calibration?: Calibration;
}

/** Relevance of texts to a query by the frozen base cross-encoder, never by the one in training. */
export type Teacher = (query: string, texts: readonly string[]) => Promise<ArrayLike<number>>;

export interface MiningSettings {
  /** Candidates of each space. */
  readonly depth: number;
  readonly voting: Voting;
  /** Base cosine from which a chunk is a copy of a positive; Infinity leaves only equal texts and lines. */
  readonly duplicateCosine: number;
  /** Which candidates must be nearer to the query than to the positive; 'off' for none. */
  readonly condition: 'off' | 'plain' | 'calibrated';
  /** Whether candidates must be nearer to the query than the positive is. */
  readonly mustConfuse: boolean;
  /** Mined chunks may have this share of the positive's mean cosine at most; Infinity for no ceiling. */
  readonly ceiling: number;
  /** How far below the positive's the teacher's score must be; -Infinity for no teacher. */
  readonly teacherMargin: number;
  /** Voted ranks that are drawn from, counted from 1 after the filters, both inclusive. */
  readonly ranks: readonly [number, number];
  /** K⁻: negatives a group. */
  readonly negativeCount: number;
  /** Of them drawn from all chunks. */
  readonly randomCount: number;
  /** Chunks of one file in a group at most, the positives counted. */
  readonly perFile: number;
}

export const MINING_DEFAULTS: MiningSettings = {
  depth: 50,
  voting: 'soft',
  duplicateCosine: DUPLICATE_COSINE,
  condition: 'calibrated',
  mustConfuse: false,
  ceiling: 0.95,
  teacherMargin: 0,
  ranks: [2, 30],
  negativeCount: 7,
  randomCount: 1,
  perFile: 2,
};

export type DropReason = 'duplicate' | 'accepted' | 'copy' | 'easy' | 'ceiling' | 'teacher';

export interface MinedNegative {
  readonly chunkId: number;
  readonly source: 'explicit' | 'mined' | 'random';
  /** The vote, 0 to 1, that mined ones were chosen by. */
  readonly vote?: number;
  /** The teacher's lead of the positive, for GPL's margin. */
  readonly margin?: number;
}

export interface MinedGroup {
  readonly positives: readonly number[];
  readonly negatives: readonly MinedNegative[];
  readonly dropped: readonly { readonly chunkId: number; readonly reason: DropReason }[];
}

/** The chunks by id; a Map will do, an index reads them when they are asked for. */
export interface MiningChunks {
  keys(): Iterable<number>;
  get(id: number): MiningChunk | undefined;
}

/** Everything that groups are mined from. */
export interface MiningPool {
  readonly chunks: MiningChunks;
  readonly spaces: readonly MiningSpace[];
  readonly distances?: MiningDistances;
  readonly teacher?: Teacher;
}

/** One query's group. Explicit marks are all in it, however many; mined chunks fill up to K⁻. */
export async function mineGroup(
  query: MiningQuery,
  pool: MiningPool,
  settings: MiningSettings,
  random: Random,
): Promise<MinedGroup> {
  const explicit = (query.explicit ?? []).filter((id) => !query.positives.includes(id));
  const ballots = await askSpaces(query, pool, settings);
  const teach = pool.teacher && rememberedTeacher(pool.teacher, query.text);
  const { kept, dropped } = await filterCandidates(query, pool, settings, ballots, teach);
  const group = new Group(query, explicit, pool, settings);
  const [first, last] = settings.ranks;
  const window = shuffle(kept.slice(first - 1, last), random);
  // Where the window is too small the best ones help out, then what lies behind it.
  for (const candidate of [...window, ...kept.slice(0, first - 1), ...kept.slice(last)])
    group.addMined(candidate);
  group.addRandom(random);
  const margins = await marginsOf(query, group.negatives, pool.chunks, teach);
  const negatives = group.negatives.map((negative, i) => ({ ...negative, ...margins[i] }));
  return { positives: query.positives, negatives, dropped };
}

type SpaceBallot = Ballot & { readonly isCosine: boolean };

async function askSpaces(
  query: MiningQuery,
  { spaces }: MiningPool,
  { depth }: MiningSettings,
): Promise<SpaceBallot[]> {
  const ballots: SpaceBallot[] = [];
  // One after the other: spaces may share a session.
  for (const space of spaces) {
    const { weight, isCosine } = space;
    ballots.push({ ranking: await space.rank(query, depth), weight, isCosine });
  }
  return ballots;
}

interface Candidate {
  readonly chunk: MiningChunk;
  readonly vote: number;
}

/** Filters 1 to 4 and the teacher, in this order; what stays is in the order of votes. */
async function filterCandidates(
  query: MiningQuery,
  pool: MiningPool,
  settings: MiningSettings,
  ballots: readonly SpaceBallot[],
  teach: Teach | undefined,
): Promise<{ readonly kept: Candidate[]; readonly dropped: MinedGroup['dropped'] }> {
  const dropped: { chunkId: number; reason: DropReason }[] = [];
  const given = new Set([...query.positives, ...(query.explicit ?? [])]);
  const reasonFor = dropReason(query, pool, settings, ballots);
  const kept: Candidate[] = [];
  for (const { chunkId, score } of countVotes(ballots, settings.voting)) {
    const chunk = pool.chunks.get(chunkId);
    if (!chunk || given.has(chunkId)) continue;
    const reason = reasonFor(chunk);
    if (reason) dropped.push({ chunkId, reason });
    else kept.push({ chunk, vote: score });
  }
  const doubted = teach ? await doubtedBy(teach, query, pool, settings, kept) : new Set<number>();
  for (const { chunk } of kept)
    if (doubted.has(chunk.id)) dropped.push({ chunkId: chunk.id, reason: 'teacher' });
  return { kept: kept.filter(({ chunk }) => !doubted.has(chunk.id)), dropped };
}

function dropReason(
  query: MiningQuery,
  { chunks, distances }: MiningPool,
  settings: MiningSettings,
  ballots: readonly SpaceBallot[],
): (chunk: MiningChunk) => DropReason | undefined {
  const positives = query.positives.flatMap((id) => chunks.get(id) ?? []);
  const accepted = new Set(query.acceptedElsewhere);
  const scoreOf = meanScores(ballots.filter(({ isCosine }) => isCosine));
  const ceiling = settings.ceiling * Math.min(...positives.map(({ id }) => scoreOf(id)));
  return (chunk) => {
    if (positives.some((positive) => isDuplicate(positive, chunk, settings.duplicateCosine)))
      return 'duplicate';
    if (accepted.has(chunk.id)) return 'accepted';
    const condition = distances && conditionReason(query, chunk, distances, settings);
    if (condition) return condition;
    return settings.ceiling < Infinity && scoreOf(chunk.id) > ceiling ? 'ceiling' : undefined;
  };
}

/** Both conditions of `twoConditions.ts`, against each positive. */
function conditionReason(
  query: MiningQuery,
  chunk: MiningChunk,
  distances: MiningDistances,
  { condition, mustConfuse }: MiningSettings,
): DropReason | undefined {
  const toQuery = distances.toQuery(query, chunk.id);
  if (mustConfuse && query.positives.some((id) => toQuery >= distances.toQuery(query, id)))
    return 'easy';
  if (condition === 'off') return undefined;
  const calibration = condition === 'calibrated' ? distances.calibration : undefined;
  const isCopy = query.positives.some(
    (id) => !isNoCopy({ toQuery, toPositive: distances.between(id, chunk.id) }, calibration),
  );
  return isCopy ? 'copy' : undefined;
}

/** The teacher's scores of one query with these chunks. */
type Teach = (chunks: readonly MiningChunk[]) => Promise<number[]>;

/** Asks about each chunk once: what is looked at to filter is looked at again for its margin. */
function rememberedTeacher(teacher: Teacher, query: string): Teach {
  const known = new Map<number, number>();
  return async (chunks) => {
    const asked = chunks.filter(({ id }) => !known.has(id));
    const scores =
      asked.length === 0
        ? []
        : await teacher(
            query,
            asked.map(({ text }) => text),
          );
    asked.forEach(({ id }, i) => known.set(id, scores[i]!));
    return chunks.map(({ id }) => known.get(id)!);
  };
}

/** Candidates that the frozen cross-encoder finds as good as a positive: likely answers nobody marked. */
async function doubtedBy(
  teach: Teach,
  query: MiningQuery,
  { chunks }: MiningPool,
  { teacherMargin, ranks }: MiningSettings,
  candidates: readonly Candidate[],
): Promise<ReadonlySet<number>> {
  const positives = query.positives.flatMap((id) => chunks.get(id) ?? []);
  // It reads what can still be drawn, and as much again to take the place of what it takes out.
  const read = candidates.slice(0, 2 * ranks[1]).map(({ chunk }) => chunk);
  if (teacherMargin === -Infinity || positives.length === 0 || read.length === 0) return new Set();
  const scores = await teach([...positives, ...read]);
  const least = Math.min(...scores.slice(0, positives.length)) - teacherMargin;
  return new Set(read.filter((_, i) => scores[positives.length + i]! > least).map(({ id }) => id));
}

/** T⁺ − T⁻ of each negative, where there is a teacher and a positive. */
async function marginsOf(
  query: MiningQuery,
  negatives: readonly MinedNegative[],
  chunks: MiningChunks,
  teach: Teach | undefined,
): Promise<readonly { readonly margin?: number }[]> {
  const positive = chunks.get(query.positives[0] ?? -1);
  if (!teach || !positive || negatives.length === 0) return [];
  const scores = await teach([positive, ...negatives.map(({ chunkId }) => chunks.get(chunkId)!)]);
  return scores.slice(1).map((score) => ({ margin: scores[0]! - score }));
}

/** The group while it fills: no positive, no duplicate of one, no text twice, few of one file. */
class Group {
  readonly negatives: MinedNegative[];
  private readonly hashes = new Set<string>();
  private readonly fileCounts = new Map<string, number>();
  private readonly positives: readonly MiningChunk[];

  constructor(
    private readonly query: MiningQuery,
    explicit: readonly number[],
    private readonly pool: MiningPool,
    private readonly settings: MiningSettings,
  ) {
    const known = explicit.filter((id) => pool.chunks.get(id));
    this.negatives = known.map((chunkId) => ({ chunkId, source: 'explicit' }));
    this.positives = query.positives.flatMap((id) => pool.chunks.get(id) ?? []);
    for (const chunk of this.positives) this.note(chunk);
    for (const id of known) this.note(pool.chunks.get(id)!);
  }

  addMined({ chunk, vote }: Candidate): void {
    const { negativeCount, randomCount } = this.settings;
    if (this.negatives.length >= negativeCount - randomCount || !this.fits(chunk)) return;
    this.negatives.push({ chunkId: chunk.id, source: 'mined', vote });
    this.note(chunk);
  }

  /** Chunks drawn from all, until the group is full; explicit marks alone may have filled it. */
  addRandom(random: Random): void {
    const { negativeCount, randomCount, duplicateCosine } = this.settings;
    const wanted = Math.min(randomCount, negativeCount - this.negatives.length);
    if (wanted <= 0) return;
    const taken = new Set([...this.query.positives, ...(this.query.acceptedElsewhere ?? [])]);
    const ids = [...this.pool.chunks.keys()];
    let left = wanted;
    for (const id of sample(ids, Math.min(ids.length, RANDOM_TRIES * wanted), random)) {
      const chunk = this.pool.chunks.get(id)!;
      const isCopy = this.positives.some((other) => isDuplicate(other, chunk, duplicateCosine));
      if (left === 0 || taken.has(id) || isCopy || !this.fits(chunk)) continue;
      this.negatives.push({ chunkId: id, source: 'random' });
      this.note(chunk);
      left--;
    }
  }

  private fits({ hash, path }: MiningChunk): boolean {
    if (this.hashes.has(hash)) return false;
    return path === undefined || (this.fileCounts.get(path) ?? 0) < this.settings.perFile;
  }

  private note({ hash, path }: MiningChunk): void {
    this.hashes.add(hash);
    if (path !== undefined) this.fileCounts.set(path, (this.fileCounts.get(path) ?? 0) + 1);
  }
}

/** Chunks looked at for each one wanted at random. */
const RANDOM_TRIES = 20;
