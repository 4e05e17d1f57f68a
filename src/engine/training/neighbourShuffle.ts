/**
 * Shuffling that puts alike examples into one batch, so that its negatives are hard (BSC, arXiv 2110.15725). Example by
 * example: a random order; each item not yet used takes its nearest unused neighbours with other texts, up to a group;
 * the groups one after the other, and the whole reversed, so that loose leftovers come first and tight groups last.
 * The fast forms sort by a shared word shingle, or by cluster, and group what lies side by side.
 */
import { type Random, shuffle } from '../../base/random';
import { clusterRows } from './clustering';
import { type Matrix, rowOf } from './losses/matrix';

export interface NeighbourGroups {
  readonly groupSize: number;
  /** Nearest neighbours looked at; the released code's 200. */
  readonly candidateCount?: number;
}

/** What is shuffled: a vector and a text each; equal texts never share a group. */
export interface ShuffledItems {
  readonly vectors: Matrix;
  readonly texts: readonly string[];
}

const CANDIDATES = 200;

/** Groups by nearest neighbours, in the order to train on. `order` is the random permutation that it starts from. */
export function shuffleByNeighbours(
  { vectors, texts }: ShuffledItems,
  { groupSize, candidateCount = CANDIDATES }: NeighbourGroups,
  order: readonly number[],
): number[][] {
  const unused = new Set(order);
  const groups: number[][] = [];
  for (const first of order) {
    if (!unused.delete(first)) continue;
    const group = [first];
    const seen = new Set([texts[first]]);
    for (const near of nearest(vectors, first, unused, candidateCount)) {
      if (group.length >= groupSize) break;
      if (seen.has(texts[near])) continue;
      seen.add(texts[near]);
      unused.delete(near);
      group.push(near);
    }
    groups.push(group);
  }
  return groups.map((group) => group.reverse()).reverse();
}

/** Unused items by rising squared distance; equal ones by index. */
function nearest(
  vectors: Matrix,
  from: number,
  unused: ReadonlySet<number>,
  count: number,
): number[] {
  const own = rowOf(vectors, from);
  const distances = [...unused].map((index) => {
    const other = rowOf(vectors, index);
    let distance = 0;
    for (let d = 0; d < own.length; d++) distance += (own[d]! - other[d]!) ** 2;
    return { index, distance };
  });
  return distances
    .sort((a, b) => a.distance - b.distance || a.index - b.index)
    .slice(0, count)
    .map(({ index }) => index);
}

/** Groups by a word shingle drawn anew each time: texts that share much often share the one of lowest hash. */
export function shuffleByShingle(
  texts: readonly string[],
  groupSize: number,
  random: Random,
): number[][] {
  const salt = Math.floor(random() * 2 ** 32);
  const keys = texts.map((text) => lowestShingle(text, salt));
  const order = shuffle([...texts.keys()], random).sort((a, b) => keys[a]! - keys[b]!);
  return leftoversFirst(order, texts, groupSize, random);
}

/** Hash of the pair of neighbouring words with the lowest hash. */
function lowestShingle(text: string, salt: number): number {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const hashes = words.map((word, i) => hashOf(`${word} ${words[i + 1] ?? ''}`, salt));
  return hashes.reduce((low, hash) => Math.min(low, hash), 2 ** 32);
}

/** FNV-1a. */
function hashOf(text: string, salt: number): number {
  let hash = (0x811c9dc5 ^ salt) >>> 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Groups by cluster of the vectors. */
export function shuffleByCluster(
  { vectors, texts }: ShuffledItems,
  { groupSize, clusterCount }: { readonly groupSize: number; readonly clusterCount: number },
  random: Random,
): number[][] {
  const clusters = clusterRows(vectors, clusterCount, random);
  const order = shuffle([...texts.keys()], random).sort((a, b) => clusters[a]! - clusters[b]!);
  return leftoversFirst(order, texts, groupSize, random);
}

/** Cuts an order into groups without equal texts, puts full groups in random order, leftovers first. */
function leftoversFirst(
  order: readonly number[],
  texts: readonly string[],
  groupSize: number,
  random: Random,
): number[][] {
  const open: { items: number[]; texts: Set<string> }[] = [];
  const full: number[][] = [];
  for (const item of order) {
    const text = texts[item]!;
    let group = open.find((candidate) => !candidate.texts.has(text));
    if (!group) open.push((group = { items: [], texts: new Set() }));
    group.items.push(item);
    group.texts.add(text);
    if (group.items.length < groupSize) continue;
    full.push(group.items);
    open.splice(open.indexOf(group), 1);
  }
  return [...open.map(({ items }) => items), ...shuffle(full, random)];
}
