/**
 * Mixed negatives for a person to look at (HNCSE, training-methods 4.2): a map of embeddings also learns that what lies
 * halfway between two wrong chunks is wrong. Nobody wrote that text, so that it is shown by its two parents and by the
 * nearest chunk there is. Those are shown that the trained map finds hardest: among all that were mixed they lie nearest to
 * the query, beside its answer. A parent that is dropped is mixed no more.
 */
import { createHash } from 'node:crypto';
import { type Random, seededRandom } from '../../base/random';
import { dot } from '../../base/vector';
import { applyHead, type Head } from '../encoders/heads';
import type { SearchContext } from '../search/types';
import { foldQuery } from '../training/duplicates';
import {
  chooseMixedPairs,
  MIXING_DEFAULTS,
  mixColumns,
} from '../training/losses/hardNegativeMixing';
import { type Matrix, matrixOf, rowOf } from '../training/losses/matrix';
import { seedFor } from '../training/plan';
import type { Recipe } from '../training/recipe';
import type { Group } from './groups';
import { type Decisions, placeOfChunk } from './markData';
import type { Trial } from './measuring';
import { reviewIdOf } from './minedReview';
import type { ReviewItem, ReviewParent } from './report';
import { mixingOf } from './trainTier';
import type { TriedTier } from './triedTier';

/** More are not looked at in one sitting; and a query has that many at most, for they are much alike. */
const SHOWN_COUNT = 10;
const SHOWN_OF_QUERY = 2;

export interface MixedParts {
  readonly groups: readonly Group[];
  /** Base embeddings of the groups' queries. */
  readonly queryVectors: readonly (Float32Array | undefined)[];
  /** What was trained, and with how much mixing. */
  readonly head: Head;
  readonly hnm: Recipe['hnm'];
  readonly decisions: Decisions;
  readonly random: Random;
}

interface Mixed {
  readonly item: ReviewItem;
  /** How much nearer to the query it lies than the answer does. */
  readonly lead: number;
}

/** Those that a run's map of embeddings has mixed; none where no map was trained. */
export async function mixedByHead(
  tried: readonly TriedTier[],
  run: {
    readonly trial: Pick<Trial, 'means' | 'queryVectors'>;
    readonly groups: readonly Group[];
    readonly decisions: Decisions;
  },
): Promise<readonly ReviewItem[]> {
  const trained = tried.find(({ tier }) => tier === 'head');
  const head = trained?.whole.learned?.head;
  const hnm = trained && (await mixingOf(trained.out));
  if (!head || !hnm) return [];
  const { trial, groups, decisions } = run;
  const { index, seed } = trial.means;
  const random = seededRandom(seedFor(seed, 'mixed', 0));
  const { queryVectors } = trial;
  return hardestMixed(index, { groups, queryVectors, head, hnm, decisions, random });
}

/** The hardest of them, hardest first; nothing where there are no embeddings or nothing is mixed. */
export function hardestMixed(
  index: Pick<SearchContext, 'snapshot' | 'embedder'>,
  parts: MixedParts,
): ReviewItem[] {
  if (!index.embedder || parts.hnm.k < 2 || parts.hnm.s === 0) return [];
  return parts.groups
    .flatMap((group, at) =>
      byLead(mixedOf(index, group, parts.queryVectors[at], parts)).slice(0, SHOWN_OF_QUERY),
    )
    .sort(compareLead)
    .slice(0, SHOWN_COUNT)
    .map(({ item }) => item);
}

function mixedOf(
  { snapshot, embedder }: Pick<SearchContext, 'snapshot' | 'embedder'>,
  group: Group,
  query: Float32Array | undefined,
  { head, hnm, decisions, random }: MixedParts,
): Mixed[] {
  const space = embedder!.space.id;
  const vectorOf = (id: number): Float32Array | undefined => snapshot.meanVector(space, [id]);
  const [answer] = group.query.relevant;
  const right = answer && vectorOf(answer.chunkId);
  const parents = parentsOf(snapshot, group).flatMap((parent) => {
    const vector = vectorOf(parent.chunkId);
    return vector ? [{ ...parent, vector }] : [];
  });
  if (!answer || !right || !query || parents.length < 2) return [];
  const mapped = (row: Float32Array): number[] =>
    Array.from(head.kind === 'shared-head' ? applyHead(head, row) : row);
  const asked = Float64Array.from(applyHead(head, query));
  const columns = matrixOf(parents.map(({ vector }) => mapped(vector)));
  const positives = matrixOf([mapped(right)]);
  const inputs = { queries: matrixOf([Array.from(asked)]), columns, positives };
  const settings = { ...MIXING_DEFAULTS, ...hnm };
  const pairs = chooseMixedPairs({ ...inputs, isNegative: () => true }, settings, random);
  if (pairs.length === 0) return [];
  const made = mixColumns(columns, pairs, settings.alpha).value;
  const ofAnswer = cosineIn(asked, positives, 0);
  return pairs.flatMap(({ first, second }, row): Mixed[] => {
    const [a, b] = [parents[first]!, parents[second]!];
    const id = idOf(group, [a.id, b.id]);
    const nearest = nearestTo(snapshot, space, [a.chunkId, b.chunkId]);
    if (decisions.has(id) || !nearest) return [];
    const cosine = cosineIn(asked, made, row);
    const item: ReviewItem = {
      ...{ id, reason: 'mixed', query: group.query.asked, answer: placeOfChunk(answer) },
      ...{ parents: [bare(a), bare(b)], suspect: placeOfChunk(nearest) },
      sentence: `Mixed halfway between two chunks that learning takes for wrong; it lies near the query (cosine ${cosine.toFixed(2)}, the answer ${ofAnswer.toFixed(2)})`,
    };
    return [{ item, lead: cosine - ofAnswer }];
  });
}

interface Parent extends ReviewParent {
  readonly chunkId: number;
}

/** What was marked as wrong, by its mark, and what was mined, by what a decision on it is known by. */
function parentsOf(snapshot: SearchContext['snapshot'], group: Group): Parent[] {
  const marked = group.query.wrong.map((wrong) => ({
    ...{ id: wrong.markId, place: placeOfChunk(wrong), chunkId: wrong.chunkId, isMarked: true },
  }));
  const mined = snapshot.chunks(group.mined).map((chunk) => ({
    ...{ id: reviewIdOf(group, chunk), place: placeOfChunk(chunk), chunkId: chunk.id },
    isMarked: false,
  }));
  return [...marked, ...mined];
}

function bare({ id, place, isMarked }: Parent): ReviewParent {
  return { id, place, isMarked };
}

/** The chunk that lies nearest to the middle of two others, and is neither of them. */
function nearestTo(
  snapshot: SearchContext['snapshot'],
  space: string,
  parents: readonly number[],
): ReturnType<SearchContext['snapshot']['chunks']>[number] | undefined {
  const middle = snapshot.meanVector(space, parents);
  if (!middle) return undefined;
  const found = snapshot.searchVectors(space, middle, parents.length + 1);
  const other = found.find(({ chunkId }) => !parents.includes(chunkId));
  return other && snapshot.chunks([other.chunkId])[0];
}

function cosineIn(query: Float64Array, matrix: Matrix, row: number): number {
  return dot(Float32Array.from(query), Float32Array.from(rowOf(matrix, row)));
}

function byLead(mixed: readonly Mixed[]): Mixed[] {
  return [...mixed].sort(compareLead);
}

function compareLead(a: Mixed, b: Mixed): number {
  return b.lead - a.lead || (a.item.id < b.item.id ? -1 : 1);
}

function idOf({ query }: Group, parents: readonly string[]): string {
  const said = [foldQuery(query.asked), ...[...parents].sort()].join('\0');
  return `mixed-${createHash('sha256').update(said).digest('hex').slice(0, 20)}`;
}
