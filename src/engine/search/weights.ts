/**
 * Every number of the ranking in one place, so that learning can replace them and a bench can switch each
 * off. Shares are in units of the best fused score of the query; factors multiply.
 */
import type { QueryKind } from './query';

export interface FusionWeights {
  /** Share of meaning against words by kind of query, 0 to 1; words get the rest. */
  readonly meaningSymbol: number;
  readonly meaningPath: number;
  readonly meaningWords: number;
  readonly meaningQuestion: number;
  /** Share of meaning where only the static table speaks. */
  readonly meaningStatic: number;
  /** Most that contextual meaning counts in running text: it is written in the words of the question. */
  readonly meaningProse: number;
  /** A file's best chunk gains up to this, in proportion to what all its chunks scored. */
  readonly fileSupport: number;
  /** Query words found in the file's name or folders, times their share of the query. */
  readonly pathWords: number;
  /** The same while words are the only tier, where a path is the strongest hint. */
  readonly pathWordsAlone: number;
  /** The chunk defines the symbol asked for. */
  readonly definition: number;
  /** The path asked for. */
  readonly askedPath: number;
  /** Most that the re-ranker adds to code, to prose with code in it, and to running text, where the first stage is surer. */
  readonly rerank: number;
  readonly rerankDocumentation: number;
  readonly rerankProse: number;
  /** Factors on files of these sorts, unless asked for. */
  readonly testFactor: number;
  readonly exampleFactor: number;
  readonly legacyFactor: number;
  readonly reexportFactor: number;
  readonly declarationFactor: number;
  readonly generatedFactor: number;
  readonly vendoredFactor: number;
  readonly changelogFactor: number;
  readonly lockFileFactor: number;
  /** Every further chunk of a file already taken is multiplied once more by this. */
  readonly sameFileFactor: number;
}

export const DEFAULT_WEIGHTS: FusionWeights = {
  meaningSymbol: 0.3,
  meaningPath: 0.2,
  meaningWords: 0.75,
  meaningQuestion: 0.75,
  meaningStatic: 0.3,
  meaningProse: 0.6,
  fileSupport: 0.8,
  pathWords: 0.4,
  pathWordsAlone: 1,
  definition: 1.5,
  askedPath: 3,
  rerank: 0.2,
  rerankDocumentation: 0.4,
  rerankProse: 0.1,
  testFactor: 0.3,
  exampleFactor: 0.3,
  legacyFactor: 0.3,
  reexportFactor: 0.5,
  declarationFactor: 0.7,
  generatedFactor: 0.3,
  vendoredFactor: 0.3,
  changelogFactor: 0.5,
  lockFileFactor: 0.2,
  sameFileFactor: 0.3,
};

/** Share of meaning for a kind of query. */
export function meaningShare(weights: FusionWeights, kind: QueryKind): number {
  const byKind: Readonly<Record<QueryKind, number>> = {
    symbol: weights.meaningSymbol,
    path: weights.meaningPath,
    words: weights.meaningWords,
    question: weights.meaningQuestion,
  };
  return byKind[kind];
}
