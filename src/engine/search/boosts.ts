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

/** Applies every rule. `baseScores` are the fused scores in the candidates' order. */
export function applyRules(
  candidates: readonly Candidate[],
  baseScores: readonly number[],
  query: Query,
  weights: FusionWeights,
  hasMeaning: boolean,
): Ruled[] {
  const top = Math.max(1e-6, ...baseScores);
  const support = fileSupport(candidates, baseScores, weights.fileSupport * top);
  const words = pathWordsOf(query);
  const pathWeight = (hasMeaning ? weights.pathWords : weights.pathWordsAlone) * top;
  const pathShares = pathSharesOf(query);
  return candidates.map((candidate, index) => {
    const path = candidate.chunk.path;
    if (!pathShares.has(path)) pathShares.set(path, pathWordShare(path, words));
    const effects = [
      ...nonZero(
        addition('file support', support[index]!, 'other passages of this file match too'),
      ),
      ...nonZero(
        addition(
          'path words',
          pathShares.get(path)! * pathWeight,
          'words of the query are in the path',
        ),
      ),
      ...definitionEffects(candidate, query, weights, top),
      ...nonZero(
        addition(
          'asked path',
          (candidate.pathFit ?? 0) * askedPathWeight(query, weights) * top,
          'the path you asked for',
        ),
      ),
      ...factorEffects(candidate, query, weights),
    ];
    const base = baseScores[index]!;
    const added = effects.reduce((sum, effect) => sum + effect.added, base);
    return {
      candidate,
      base,
      effects,
      score: effects.reduce((score, effect) => score * effect.factor, added),
    };
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

function nonZero(effect: RuleEffect): RuleEffect[] {
  return effect.added === 0 ? [] : [effect];
}

/**
 * What each candidate gains from its file: only the file's best chunk, in proportion to the root of the sum of
 * the file's squared scores. A plain sum lets a long file of many weak hits pass a short one with a strong hit.
 */
function fileSupport(
  candidates: readonly Candidate[],
  scores: readonly number[],
  most: number,
): number[] {
  const squares = new Map<string, number>();
  const best = new Map<string, number>();
  candidates.forEach((candidate, index) => {
    const path = candidate.chunk.path;
    squares.set(path, (squares.get(path) ?? 0) + scores[index]! ** 2);
    const leader = best.get(path);
    if (leader === undefined || scores[index]! > scores[leader]!) best.set(path, index);
  });
  const largest = Math.max(1e-9, Math.sqrt(Math.max(0, ...squares.values())));
  return candidates.map((candidate, index) => {
    const path = candidate.chunk.path;
    if (best.get(path) !== index) return 0;
    return (most * Math.sqrt(squares.get(path)!)) / largest;
  });
}

/** What paths share with a query, by path; kept as long as the query, which learning ranks a thousand times. */
const knownShares = new WeakMap<Query, Map<string, number>>();

function pathSharesOf(query: Query): Map<string, number> {
  const known = knownShares.get(query);
  if (known) return known;
  const shares = new Map<string, number>();
  knownShares.set(query, shares);
  return shares;
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

function definitionEffects(
  candidate: Candidate,
  query: Query,
  weights: FusionWeights,
  top: number,
): RuleEffect[] {
  // A name inside a sentence is no wish for its definition: there the rule helped on no set.
  if (query.kind !== 'symbol') return [];
  const asked = candidate.defines ?? definedIn(candidate, query);
  if (!asked) return [];
  const name = lastName(asked);
  const parents = asked.split(/\.|::|->|#|\\/).slice(0, -1);
  // `Session.retry` wants the retry inside Session; a retry elsewhere gets half.
  const isRightPlace = parents.every((parent) => isInPlace(candidate, parent));
  const isExactCase = candidate.chunk.definitions.includes(name);
  const strength = (isRightPlace ? 1 : 0.5) * (isExactCase ? 1 : 0.6);
  return [addition('definition', weights.definition * strength * top, `defines ${name}`)];
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

function askedPathWeight(query: Query, weights: FusionWeights): number {
  // A file named like the symbol is a hint; its definition, if it is in there, has the stronger rule.
  return query.kind === 'path' ? weights.askedPath : weights.askedPath / 4;
}

const FACTORS: readonly {
  readonly trait: keyof PathTraits;
  readonly weight: keyof FusionWeights;
  readonly asked: (asked: AskedFor) => boolean;
  /** Chunks of such a file that it is not said of. */
  readonly spares?: (chunk: ChunkRow) => boolean;
  readonly sentence: string;
}[] = [
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

function factorEffects(candidate: Candidate, query: Query, weights: FusionWeights): RuleEffect[] {
  if (candidate.pathFit !== undefined && query.kind === 'path') return [];
  const traits = knownOf(candidate.chunk.path).traits;
  const effects: RuleEffect[] = [];
  for (const { trait, weight, asked, spares, sentence } of FACTORS) {
    if (!traits[trait] || asked(query.asksFor) || spares?.(candidate.chunk)) continue;
    effects.push({
      name: trait,
      added: 0,
      factor: weights[weight],
      sentence: `counts less: ${sentence}`,
    });
  }
  const { kind } = candidate.chunk;
  if (kind === 'generated' && !traits.isGenerated && !traits.isMinified && !query.asksFor.generated)
    effects.push({
      name: 'isGenerated',
      added: 0,
      factor: weights.generatedFactor,
      sentence: 'counts less: generated',
    });
  if (kind === 'test' && !traits.isTest && !query.asksFor.tests)
    effects.push({
      name: 'isTest',
      added: 0,
      factor: weights.testFactor,
      sentence: 'counts less: a test',
    });
  return effects;
}
