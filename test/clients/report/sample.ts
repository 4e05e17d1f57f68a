/** A report of a run as it may come out, with names meant to break out of the page. */
import type { LearningReport, VersionList } from '../../../src/protocol/learning';
import type { UsageReport, UsageWeek } from '../../../src/protocol/usage';

const hostile = '</style><script>window.broken = true</script>\u202e"onload=';

export const sampleReport: LearningReport = {
  v: 1,
  folder: '/home/ada/shop',
  version: '2026-11-25-a1b2c3',
  kind: 'marks',
  time: '2026-11-25T17:04:09.000Z',
  seed: 7,
  isPromoted: true,
  verdict:
    'Promoted: 14 of 18 unseen queries improved, 1 got worse; MRR@10 .520 → .640, 95 % interval +.030 to +.210',
  primary: 'MRR@10',
  split:
    'Five folds by query, near-identical ones on one side: each query is measured by a model that has not seen it',
  learnedFrom: {
    markCount: 64,
    usableCount: 58,
    queryCount: 18,
    relevantCount: 18,
    notRelevantCount: 36,
    openedCount: 0,
    similarCount: 4,
    minedCount: 40,
    guardCount: 30,
    staleCount: 2,
    droppedCount: 1,
    secretCount: 0,
    setAsideCount: 2,
    repeatedCount: 1,
  },
  figures: [
    figure('MRR@10', 'held-out queries', 18, 0.52, 0.64, 0.03, 0.21),
    figure('near-miss accuracy', 'held-out queries', 16, 0.61, 0.72, -0.01, 0.23),
    figure('MRR@10', 'guard queries', 30, 0.81, 0.805, -0.02, 0.01),
    figure('found at 1', 'held-out queries', 18, 0.39, 0.33, -0.12, -0.01),
  ],
  conditions: [
    {
      name: 'gain on held-out queries',
      isMet: true,
      value: 0.045,
      limit: 0,
      count: 18,
      sentence: 'MRR@10 rises: the lower end of its 90 % interval is +.045 and must be above 0',
    },
    {
      name: 'guard queries',
      isMet: false,
      value: -0.012,
      limit: -0.01,
      count: 30,
      sentence:
        'Queries that nobody marked keep their answers: MRR@10 changes by −.012, at most −.010 is allowed',
    },
  ],
  tiers: [
    {
      tier: 'fusion',
      isKept: true,
      sentence:
        'Kept: 9 of 18 unseen queries improved, 1 got worse; MRR@10 .520 → .560, 95 % interval +.010 to +.090',
      figures: [figure('MRR@10', 'held-out queries', 18, 0.52, 0.56, 0.01, 0.09)],
      conditions: [],
      seconds: 4.2,
      bytes: 900,
      recomputedVectorCount: 0,
    },
    {
      tier: 'cross-encoder',
      isKept: false,
      sentence:
        'Not kept (gain on held-out queries, guard queries): 3 of 18 unseen queries improved, 4 got worse; MRR@10 .520 → .510, 95 % interval −.040 to +.020',
      figures: [],
      conditions: [],
      seconds: 130,
      bytes: 18_000_000,
      recomputedVectorCount: 0,
    },
  ],
  methods: [
    {
      ...{ tier: 'fusion', method: 'defaultsPull' },
      figures: [figure('MRR@10', 'held-out queries', 18, 0.55, 0.56, -0.01, 0.03)],
      ...{ processorSeconds: 2.1, processorSecondsWithout: 2.4, bytes: 900, bytesWithout: 900 },
      recomputedVectorCount: 0,
    },
    {
      ...{ tier: 'head', method: 'syntheticNegatives' },
      figures: [figure('MRR@10', 'held-out queries', 18, 0.53, 0.51, -0.04, -0.01)],
      ...{
        processorSeconds: 9.6,
        processorSecondsWithout: 8.5,
        bytes: 24_700,
        bytesWithout: 12_400,
      },
      recomputedVectorCount: 0,
    },
    {
      ...{ tier: 'head', method: 'anchor', figures: [], bytes: 0, bytesWithout: 0 },
      ...{ recomputedVectorCount: 0, problem: 'Nothing was measured yet' },
    },
  ],
  queries: [
    {
      query: 'where do we retry failed uploads',
      set: 'heldOut',
      outcome: 'win',
      rankBefore: 3,
      rankAfter: 1,
      before: [
        { path: 'src/legacy/queue.ts', start: 9, end: 40, symbol: 'Queue', verdict: 'notRelevant' },
        { path: 'src/upload/retry.ts', start: 0, end: 30, symbol: 'retry', verdict: 'relevant' },
      ],
      after: [
        { path: 'src/upload/retry.ts', start: 0, end: 30, symbol: 'retry', verdict: 'relevant' },
        { path: 'src/legacy/queue.ts', start: 9, end: 40, symbol: 'Queue', verdict: 'notRelevant' },
      ],
      why: ['The right chunk went from rank 3 to rank 1 (meaning +.110, file support −.020)'],
    },
    {
      query: hostile,
      set: 'heldOut',
      outcome: 'loss',
      rankBefore: 1,
      before: [{ path: `src/${hostile}.ts`, start: 0, end: 3, symbol: hostile }],
      after: [],
      why: [`it was about ${hostile}`],
    },
    {
      query: 'parse the configuration',
      set: 'past',
      outcome: 'tie',
      before: [{ path: 'src/config.ts', start: 0, end: 12, symbol: 'parse' }],
      after: [{ path: 'src/config.ts', start: 0, end: 12, symbol: 'parse' }],
      why: [],
    },
  ],
  quarantined: [
    {
      id: 'm1',
      reason: 'copy',
      sentence: 'It reads like what was marked relevant for "where do we retry failed uploads"',
      query: 'where do we retry failed uploads',
      answer: { path: 'src/upload/retry.ts', start: 0, end: 30, symbol: 'retry' },
      suspect: { path: 'dist/upload/retry.js', start: 0, end: 28, symbol: 'retry' },
    },
  ],
  curve: [
    { ...decidedAt('2026-10-02'), markCount: 20, count: 9, value: 0.53, low: 0.45, high: 0.61 },
    { ...decidedAt('2026-11-03'), markCount: 40, count: 14, value: 0.58, low: 0.51, high: 0.66 },
    { ...decidedAt('2026-11-25'), markCount: 64, count: 18, value: 0.64, low: 0.55, high: 0.73 },
  ],
  notes: ['Together the parts are no better than a map of embeddings alone, which is taken'],
  seconds: 151,
  bytes: 42_000,
};

export const sampleVersions: VersionList = {
  folder: '/home/ada/shop',
  current: '2026-11-25-a1b2c3',
  versions: [
    {
      id: 'base',
      isCurrent: false,
      isPrevious: true,
      isPromoted: true,
      parts: [],
      sizeBytes: 0,
    },
    {
      id: '2026-11-25-a1b2c3',
      time: '2026-11-25T17:04:09.000Z',
      kind: 'marks',
      state: 'pilot',
      scope: { path: 'src/upload', language: 'typescript' },
      isCurrent: true,
      isPrevious: false,
      isPromoted: true,
      parts: ['fusion'],
      verdict: 'Promoted: 14 of 18 unseen queries improved, 1 got worse',
      markCount: 58,
      sizeBytes: 42_000,
    },
  ],
  problems: [],
};

/** Twenty hits opened before the version in use came, at 20 s each, and twenty-four since, at 8 s. */
export const sampleUsage: UsageReport = {
  folder: '/home/ada/shop',
  weeks: [
    week(
      '2026-11-09',
      14,
      Array.from({ length: 10 }, () => 20),
      [1, 1, 2, 5, 12, 3, 1, 1, 4, 7],
    ),
    week(
      '2026-11-16',
      12,
      Array.from({ length: 10 }, () => 20),
      [1, 2, 1, 1, 1, 6, 1, 2, 3, 1],
    ),
    week(
      '2026-11-23',
      9,
      Array.from({ length: 5 }, () => 9),
      [1, 1, 2, 1, 4],
    ),
    week(
      '2026-11-30',
      30,
      Array.from({ length: 24 }, () => 8),
      Array.from({ length: 24 }, () => 1),
    ),
  ],
  pulses: [{ month: '2026-11', answer: 'mostly' }],
};

function week(monday: string, searchCount: number, seconds: number[], ranks: number[]): UsageWeek {
  return {
    monday,
    searchCount,
    openedCount: seconds.length,
    unresolvedCount: searchCount - seconds.length,
    reformulationCount: 2,
    markCount: 6,
    seconds,
    ranks,
  };
}

function decidedAt(day: string): { readonly time: string; readonly name: string } {
  return { time: `${day}T17:04:09.000Z`, name: 'MRR@10' };
}

function figure(
  name: string,
  of: string,
  count: number,
  before: number,
  after: number,
  low: number,
  high: number,
): LearningReport['figures'][number] {
  return { name, of, count, before, after, difference: after - before, low, high };
}
