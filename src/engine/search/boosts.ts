/**
 * What the best code search does by rules, worth more than the choice of embedding: definitions of the
 * asked name up, files whose name or folders share words with the query up, several hits of one file
 * support each other; tests, generated and vendored code, re-exports, change logs and lock files down
 * unless asked for; at most a few chunks of a file.
 */
import { type PathTraits, pathTraits } from '../documents/kind';
import { termsOf } from '../store/terms';
import type { ChunkRow } from '../store/types';
import type { AskedFor, Query } from './query';
import { type Candidate, fileStem, lastName } from './retrieve';
import type { FusionWeights } from './weights';

/** What one rule did to one candidate. */
export interface RuleEffect {
  readonly name: string;
  /** Added to the score, in absolute score; 0 for a factor. */
  readonly added: number;
  /** Multiplied onto the score; 1 for an addition. */
  readonly factor: number;
  readonly sentence: string;
}

export interface Ruled {
  readonly candidate: Candidate;
  readonly base: number;
  readonly score: number;
  readonly effects: readonly RuleEffect[];
}

/**
 * What the rules go by, whatever the weights and scores: gathered once for a query, which learning ranks a thousand times.
 */
export interface RuleFacts {
  readonly kind: Query['kind'];
  readonly hasMeaning: boolean;
  /** In the candidates' order. */
  readonly chunks: readonly ChunkFacts[];
  readonly fileCount: number;
}

interface ChunkFacts {
  /** Number of its file among those of the candidates. */
  readonly file: number;
  readonly pathShare: number;
  readonly definition?: { readonly name: string; readonly strength: number };
  readonly pathFit: number;
  readonly factors: readonly Factor[];
}

interface Factor {
  readonly trait: keyof PathTraits;
  readonly weight: keyof FusionWeights;
  readonly sentence: string;
}

export function gatherFacts(
  candidates: readonly Candidate[],
  query: Query,
  hasMeaning: boolean,
): RuleFacts {
  const words = pathWordsOf(query);
  const files = new Map<string, { readonly number: number; readonly pathShare: number }>();
  const chunks = candidates.map((candidate): ChunkFacts => {
    const { path } = candidate.chunk;
    let file = files.get(path);
    if (!file) {
      file = { number: files.size, pathShare: pathWordShare(path, words) };
      files.set(path, file);
    }
    return {
      file: file.number,
      pathShare: file.pathShare,
      definition: definitionOf(candidate, query),
      pathFit: candidate.pathFit ?? 0,
      factors: factorsOf(candidate, query),
    };
  });
  return { kind: query.kind, hasMeaning, chunks, fileCount: files.size };
}

/** What a rule adds to each candidate, and the score with all rules applied. */
interface RuleSums {
  readonly support: Float64Array;
  readonly pathWords: Float64Array;
  readonly definition: Float64Array;
  readonly askedPath: Float64Array;
  readonly scores: Float64Array;
}

/** Scores with every rule applied. `baseScores` are the fused scores in the candidates' order. */
export function ruledScores(
  facts: RuleFacts,
  baseScores: ArrayLike<number>,
  weights: FusionWeights,
): Float64Array {
  return sumRules(facts, baseScores, weights).scores;
}

function sumRules(
  facts: RuleFacts,
  baseScores: ArrayLike<number>,
  weights: FusionWeights,
): RuleSums {
  const { chunks, kind, hasMeaning } = facts;
  const top = topOf(baseScores);
  const pathWeight = (hasMeaning ? weights.pathWords : weights.pathWordsAlone) * top;
  const askedWeight = askedPathWeight(kind, weights);
  const zeros = (): Float64Array => new Float64Array(chunks.length);
  const sums = {
    support: fileSupport(facts, baseScores, weights.fileSupport * top),
    ...{ pathWords: zeros(), definition: zeros(), askedPath: zeros(), scores: zeros() },
  };
  for (const [at, { pathShare, definition, pathFit, factors }] of chunks.entries()) {
    sums.pathWords[at] = pathShare * pathWeight;
    sums.definition[at] = weights.definition * (definition?.strength ?? 0) * top;
    sums.askedPath[at] = pathFit * askedWeight * top;
    let score = baseScores[at]! + sums.support[at]!;
    score += sums.pathWords[at]!;
    score += sums.definition[at]!;
    score += sums.askedPath[at]!;
    for (const { weight } of factors) score *= weights[weight];
    sums.scores[at] = score;
  }
  return sums;
}

/** Never 0: what rules add is in proportion to it. */
function topOf(scores: ArrayLike<number>): number {
  let top = 1e-6;
  for (let at = 0; at < scores.length; at++) top = Math.max(top, scores[at]!);
  return top;
}

/** Applies every rule, and says what each did. `baseScores` are the fused scores in the candidates' order. */
export function applyRules(
  candidates: readonly Candidate[],
  baseScores: readonly number[],
  query: Query,
  weights: FusionWeights,
  hasMeaning: boolean,
): Ruled[] {
  const facts = gatherFacts(candidates, query, hasMeaning);
  const sums = sumRules(facts, baseScores, weights);
  return candidates.map((candidate, at) => {
    const { definition, factors } = facts.chunks[at]!;
    const additions = [
      addition('file support', sums.support[at]!, 'other passages of this file match too'),
      addition('path words', sums.pathWords[at]!, 'words of the query are in the path'),
      addition('definition', sums.definition[at]!, `defines ${definition?.name}`),
      addition('asked path', sums.askedPath[at]!, 'the path you asked for'),
    ];
    const effects = [
      ...additions.filter(({ added }) => added !== 0),
      ...factors.map(({ trait, weight, sentence }) => ({
        ...{ name: trait, added: 0, factor: weights[weight] },
        sentence: `counts less: ${sentence}`,
      })),
    ];
    return { candidate, base: baseScores[at]!, effects, score: sums.scores[at]! };
  });
}

/** How many hits of a file stay, and how much each further one counts. */
export interface FileLimit {
  readonly perFile: number;
  readonly factor: number;
  /** Chunks that stay whatever their number. */
  readonly isKept: (chunkId: number) => boolean;
  /** Chunks whose place in the file's number goes to another one. */
  readonly isFree: (chunkId: number) => boolean;
}

/**
 * Order by score; every further chunk of a file counts less, and at most `perFile` of a file stay. `isExtra`
 * is set for those beyond that number.
 */
export function limitPerFile<
  T extends {
    readonly score: number;
    readonly candidate: Candidate;
    readonly repeatFactor: number;
    readonly isExtra: boolean;
  },
>(ranked: readonly T[], { perFile, factor, isKept, isFree }: FileLimit): T[] {
  const seen = new Map<string, number>();
  const taken = new Map<string, number>();
  const out: T[] = [];
  for (const hit of [...ranked].sort(byScore)) {
    const { path, id } = hit.candidate.chunk;
    const count = taken.get(path) ?? 0;
    if (count >= perFile && !isKept(id)) continue;
    if (!isFree(id)) taken.set(path, count + 1);
    const before = seen.get(path) ?? 0;
    seen.set(path, before + 1);
    const repeatFactor = factor ** before;
    const isExtra = before >= perFile;
    out.push({ ...hit, repeatFactor, isExtra, score: hit.score * repeatFactor });
  }
  return out.sort(byScore);
}

/** Best first; equal scores by the better cosine, then by chunk id, so that every run gives one order. */
export function byScore(
  a: { readonly score: number; readonly candidate: Candidate },
  b: { readonly score: number; readonly candidate: Candidate },
): number {
  return (
    b.score - a.score ||
    (b.candidate.contextual?.value ?? -1) - (a.candidate.contextual?.value ?? -1) ||
    a.candidate.chunk.id - b.candidate.chunk.id
  );
}

function addition(name: string, added: number, sentence: string): RuleEffect {
  return { name, added, factor: 1, sentence };
}

/**
 * What each candidate gains from its file: only the file's best chunk, in proportion to the root of the sum of
 * the file's squared scores. A plain sum lets a long file of many weak hits pass a short one with a strong hit.
 */
function fileSupport(
  { chunks, fileCount }: RuleFacts,
  scores: ArrayLike<number>,
  most: number,
): Float64Array {
  const squares = new Float64Array(fileCount);
  const leaders = new Int32Array(fileCount).fill(-1);
  for (const [at, { file }] of chunks.entries()) {
    squares[file]! += scores[at]! ** 2;
    const leader = leaders[file]!;
    if (leader < 0 || scores[at]! > scores[leader]!) leaders[file] = at;
  }
  const largest = squares.reduce((most, square) => Math.max(most, Math.sqrt(square)), 1e-9);
  const support = new Float64Array(chunks.length);
  for (const [file, leader] of leaders.entries())
    support[leader] = (most * Math.sqrt(squares[file]!)) / largest;
  return support;
}

/** What only depends on a path, for those met last: who types a query asks about the same files again and again. */
const knownPaths = new Map<string, { traits: PathTraits; words: ReadonlySet<string> }>();
const MAX_KNOWN_PATHS = 20_000;

function knownOf(path: string): { traits: PathTraits; words: ReadonlySet<string> } {
  let known = knownPaths.get(path);
  if (known) return known;
  if (knownPaths.size >= MAX_KNOWN_PATHS) knownPaths.clear();
  known = { traits: pathTraits(path), words: wordsOfPath(path) };
  knownPaths.set(path, known);
  return known;
}

/** Words of a language query that a path may share; a symbol has its own rules. */
function pathWordsOf(query: Query): string[] {
  if (query.kind === 'symbol' || query.kind === 'path') return [];
  return [...new Set(query.terms)].filter((term) => term.length >= 2);
}

/** Share of the query's words found in the file's name or its last three folders; 0 to 1. */
function pathWordShare(path: string, words: readonly string[]): number {
  if (words.length === 0) return 0;
  const parts = knownOf(path).words;
  const found = words.filter((word) => parts.has(word) || hasPrefix(parts, word));
  return found.length / words.length;
}

function wordsOfPath(path: string): ReadonlySet<string> {
  const segments = path.split('/');
  return new Set(
    [fileStem(path), ...segments.slice(-4, -1)].flatMap((segment) => termsOf(segment)),
  );
}

/** Prefixes count from three letters on ("config" in "configuration", "auth" in "authenticate"). */
function hasPrefix(parts: ReadonlySet<string>, word: string): boolean {
  if (word.length < 3) return false;
  for (const part of parts)
    if (part.length >= 3 && (part.startsWith(word) || word.startsWith(part))) return true;
  return false;
}

function definitionOf(candidate: Candidate, query: Query): ChunkFacts['definition'] {
  // A name inside a sentence is no wish for its definition: there the rule helped on no set.
  if (query.kind !== 'symbol') return undefined;
  const asked = candidate.defines ?? definedIn(candidate, query);
  if (!asked) return undefined;
  const name = lastName(asked);
  const parents = asked.split(/\.|::|->|#|\\/).slice(0, -1);
  // `Session.retry` wants the retry inside Session; a retry elsewhere gets half.
  const isRightPlace = parents.every((parent) => isInPlace(candidate, parent));
  const isExactCase = candidate.chunk.definitions.includes(name);
  return { name, strength: (isRightPlace ? 1 : 0.5) * (isExactCase ? 1 : 0.6) };
}

function definedIn(candidate: Candidate, query: Query): string | undefined {
  return query.identifiers.find((identifier) =>
    candidate.chunk.definitions.includes(lastName(identifier)),
  );
}

function isInPlace(candidate: Candidate, parent: string): boolean {
  const { symbol, path } = candidate.chunk;
  const wanted = parent.toLowerCase();
  return (
    symbol.toLowerCase().split(' > ').includes(wanted) ||
    path.toLowerCase().split(/[/.]/).includes(wanted)
  );
}

function askedPathWeight(kind: Query['kind'], weights: FusionWeights): number {
  // A file named like the symbol is a hint; its definition, if it is in there, has the stronger rule.
  return kind === 'path' ? weights.askedPath : weights.askedPath / 4;
}

const FACTORS: readonly (Factor & {
  readonly asked: (asked: AskedFor) => boolean;
  /** Chunks of such a file that it is not said of. */
  readonly spares?: (chunk: ChunkRow) => boolean;
})[] = [
  { trait: 'isTest', weight: 'testFactor', asked: (a) => a.tests, sentence: 'a test' },
  { trait: 'isExample', weight: 'exampleFactor', asked: (a) => a.examples, sentence: 'an example' },
  {
    trait: 'isLegacy',
    weight: 'legacyFactor',
    asked: () => false,
    sentence: 'kept for compatibility',
  },
  {
    trait: 'isReexport',
    weight: 'reexportFactor',
    asked: () => false,
    // An index file may well define things: those stand as high as any.
    spares: (chunk) => chunk.symbol !== '' || chunk.definitions.length > 0,
    sentence: 're-exports what others define',
  },
  {
    trait: 'isDeclaration',
    weight: 'declarationFactor',
    asked: (a) => a.declarations,
    sentence: 'declarations only',
  },
  {
    trait: 'isGenerated',
    weight: 'generatedFactor',
    asked: (a) => a.generated,
    sentence: 'generated',
  },
  {
    trait: 'isMinified',
    weight: 'generatedFactor',
    asked: (a) => a.generated,
    sentence: 'minified',
  },
  {
    trait: 'isVendored',
    weight: 'vendoredFactor',
    asked: (a) => a.generated,
    sentence: 'somebody else’s code',
  },
  {
    trait: 'isChangelog',
    weight: 'changelogFactor',
    asked: (a) => a.changes,
    sentence: 'a change log',
  },
  {
    trait: 'isLockFile',
    weight: 'lockFileFactor',
    asked: (a) => a.configuration,
    sentence: 'a lock file',
  },
];

function factorsOf(candidate: Candidate, query: Query): Factor[] {
  if (candidate.pathFit !== undefined && query.kind === 'path') return [];
  const traits = knownOf(candidate.chunk.path).traits;
  const factors: Factor[] = FACTORS.filter(
    ({ trait, asked, spares }) =>
      traits[trait] && !asked(query.asksFor) && !spares?.(candidate.chunk),
  );
  const { kind } = candidate.chunk;
  if (kind === 'generated' && !traits.isGenerated && !traits.isMinified && !query.asksFor.generated)
    factors.push({ trait: 'isGenerated', weight: 'generatedFactor', sentence: 'generated' });
  if (kind === 'test' && !traits.isTest && !query.asksFor.tests)
    factors.push({ trait: 'isTest', weight: 'testFactor', sentence: 'a test' });
  return factors;
}
