/**
 * `npm run bench -- ranking`: each ranking rule, tier, share and chunk size on against off, over all retrieval
 * sets. The rooms run in this process with everything read cached, so a line costs seconds once the sets are
 * indexed. `ranking-rerank`, `ranking-dimensions` and `ranking-chunks` measure those;
 * `--set NAME` keeps to one set.
 */
import { normalize } from '../../src/base/vector';
import type { Disposable } from '../../src/base/lifecycle';
import { search } from '../../src/engine/search/search';
import type { Embedder } from '../../src/engine/encoders/types';
import type { SearchContext, SearchRequest } from '../../src/engine/search/types';
import type { FusionWeights } from '../../src/engine/search/weights';
import type { Snapshot } from '../../src/engine/store/types';
import {
  DEFAULT_VARIANT,
  indexSet,
  type Lab,
  type LabVariant,
  openLab,
  rememberAnswers,
} from './lab';
import { evaluate, loadSet, type QualitySet, SET_NAMES } from './quality';
import { loadReadmes } from './readmes';
import { benchArgument, benchOption, type Figure, note, report } from './report';

interface Trial {
  readonly label: string;
  readonly weights?: Partial<FusionWeights>;
  readonly request?: Partial<SearchRequest>;
  /** Encoders that answer; both when absent. */
  readonly tiers?: 'words' | 'static';
  /** Components of the query's embedding that count; all when absent. */
  readonly dimension?: number;
}

const rules: readonly Trial[] = [
  { label: 'everything' },
  { label: 'words only', tiers: 'words' },
  { label: 'words and static embeddings', tiers: 'static' },
  { label: 'meaning alone', weights: { meaningWords: 1, meaningQuestion: 1, meaningSymbol: 1 } },
  {
    label: 'words and meaning half and half',
    weights: { meaningWords: 0.5, meaningQuestion: 0.5 },
  },
  { label: 'without file support', weights: { fileSupport: 0 } },
  { label: 'without path words', weights: { pathWords: 0 } },
  { label: 'without definitions', weights: { definition: 0 } },
  { label: 'tests as high as anything', weights: { testFactor: 1 } },
  {
    label: 'examples and legacy as high as anything',
    weights: { exampleFactor: 1, legacyFactor: 1 },
  },
  { label: 're-exports as high as anything', weights: { reexportFactor: 1 } },
  { label: 'declarations as high as anything', weights: { declarationFactor: 1 } },
  {
    label: 'generated and vendored as high as anything',
    weights: { generatedFactor: 1, vendoredFactor: 1 },
  },
  { label: 'further chunks of a file as high as the first', weights: { sameFileFactor: 1 } },
];

const dimensions: readonly Trial[] = [384, 256, 192, 128].map((dimension) => ({
  label: `first ${dimension} dimensions`,
  dimension,
}));

const rerankings: readonly Trial[] = [0, 0.1, 0.2, 0.3, 0.5].map((rerank) => ({
  label: `re-ranker at ${rerank}`,
  weights: { rerank },
  request: { rerank: rerank > 0 },
}));

const documentation: readonly Trial[] = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7].map((most) => ({
  label: `re-ranker at ${most} in documentation`,
  weights: { rerankDocumentation: most },
  request: { rerank: true },
}));

const runningText: readonly Trial[] = [0, 0.1, 0.2, 0.3, 0.4, 0.5].map((most) => ({
  label: `re-ranker at ${most} in running text`,
  weights: { rerankProse: most },
  request: { rerank: true },
}));

const meaningOfText: readonly Trial[] = [0.5, 0.6, 0.65, 0.7, 0.75].map((most) => ({
  label: `meaning at most ${most} in running text`,
  weights: { meaningProse: most },
  request: { rerank: true },
}));

const variants: readonly LabVariant[] = [
  { maxTokens: 110, overlapLines: 0 },
  { maxTokens: 160, overlapLines: 0 },
  DEFAULT_VARIANT,
  { maxTokens: 220, overlapLines: 4 },
];

const trials: Readonly<Record<string, readonly Trial[]>> = {
  rerank: rerankings,
  documentation,
  runningText,
  meaningOfText,
  dimensions,
};

async function main(): Promise<void> {
  const lab = await openLab();
  const wanted = benchOption('set');
  const names = SET_NAMES.filter((name) => wanted === undefined || name === wanted);
  const sets = await Promise.all(names.map((name) => loadSet(name)));
  if (wanted === undefined || wanted === 'docs-readmes') sets.push(await loadReadmes());
  try {
    if (benchArgument === 'chunks') {
      for (const variant of variants)
        await measure(lab, sets, variant, [
          { label: `${variant.maxTokens} tokens, overlap of ${variant.overlapLines} lines` },
        ]);
    } else {
      await measure(lab, sets, DEFAULT_VARIANT, trials[benchArgument] ?? rules);
    }
  } finally {
    lab.close();
  }
}

async function measure(
  lab: Lab,
  sets: readonly QualitySet[],
  variant: LabVariant,
  trials: readonly Trial[],
): Promise<void> {
  const indexed = new Map<QualitySet, Map<string, Snapshot>>();
  const readers: Disposable[] = [];
  for (const set of sets) {
    const snapshots = new Map<string, Snapshot>();
    for (const [scope, reader] of await indexSet(lab, set, variant)) {
      readers.push(reader);
      snapshots.set(scope, rememberAnswers(reader.snapshot()));
    }
    indexed.set(set, snapshots);
  }
  const figures: Figure[] = [];
  for (const trial of trials) {
    for (const set of sets) {
      const figure = await score(lab, set, indexed.get(set)!, trial);
      figures.push({ label: `${trial.label}: ${set.name}`, value: figure });
      note(`${trial.label}: ${set.name} ${figure.toFixed(4)}`);
    }
  }
  report(`ranking${benchArgument && `-${benchArgument}`}`, figures);
  for (const snapshots of indexed.values())
    for (const snapshot of snapshots.values()) snapshot.dispose();
  for (const reader of readers) reader.dispose();
}

async function score(
  lab: Lab,
  set: QualitySet,
  snapshots: ReadonlyMap<string, Snapshot>,
  trial: Trial,
): Promise<number> {
  const { encoders, reranker, staticEncoder } = lab;
  const figures = await evaluate(set, async (scope, query) => {
    const context: SearchContext = {
      snapshot: snapshots.get(scope)!,
      tokenizer: encoders.tokenizer,
      embedder: trial.tiers ? undefined : truncated(lab.embedder, trial.dimension),
      staticEncoder: trial.tiers === 'words' ? undefined : staticEncoder,
      reranker,
      weights: trial.weights,
    };
    const request = { query: query.text, limit: 10, rerank: false, ...trial.request };
    const { hits } = await search(context, request);
    return hits.map(({ path, span, score: value }) => ({
      path,
      start: span.start + 1,
      end: span.end,
      score: value,
    }));
  });
  return figures.spans ?? figures.ndcg;
}

/** An embedder whose queries count by their first components only, which leaves documents out of scale a little. */
function truncated(embedder: Embedder, dimension: number | undefined): Embedder {
  if (dimension === undefined) return embedder;
  return {
    ...embedder,
    async embedQuery(text, signal) {
      const vector = Float32Array.from(await embedder.embedQuery(text, signal));
      return normalize(vector.fill(0, dimension));
    },
  };
}

void main();
