/** Puts a run's figures together for those who were not there: what it learned from, what it brought, what it cost. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Answer } from './arena';
import { changeOf, changesTopThree } from './changes';
import type { AdaptEvidence, GateResult } from './gate';
import type { MarkData } from './markData';
import type { Measured } from './measuring';
import { compared, type Judged, pairValues } from './measures';
import type {
  CurvePoint,
  LearnedFrom,
  LearningReport,
  LearningTier,
  QueryChange,
  TierOutcome,
} from './report';
import type { VersionStore } from './versionStore';

export interface ReportParts {
  readonly id: string;
  readonly folder: string;
  readonly seed: number;
  readonly verdict: string;
  readonly isPromoted: boolean;
  readonly primary: string;
  readonly split: string;
  readonly data: MarkData;
  readonly minedCount: number;
  readonly guardCount: number;
  readonly outcomes: readonly TierOutcome[];
  readonly methods?: LearningReport['methods'];
  readonly keptTiers: readonly LearningTier[];
  readonly measured?: Measured;
  /** Every marked query, as the version in question answers it and as the base does. */
  readonly past?: {
    readonly judged: readonly Judged[];
    readonly before: ReadonlyMap<string, Answer>;
    readonly after: ReadonlyMap<string, Answer>;
  };
  readonly words?: LearningReport['words'];
  readonly notes: readonly string[];
  readonly store: VersionStore;
  readonly draft?: string;
  readonly startMs: number;
}

export async function makeReport(parts: ReportParts): Promise<LearningReport> {
  const { id, folder, seed, verdict, isPromoted, primary, split, measured, data, draft } = parts;
  return {
    ...{ v: 1, kind: 'marks', version: id, time: new Date().toISOString() },
    ...{ folder, seed, verdict, isPromoted, primary, split },
    learnedFrom: learnedFrom(data, parts),
    figures: measured?.result.figures ?? [],
    conditions: measured?.result.conditions ?? [],
    tiers: parts.outcomes,
    ...(parts.methods && { methods: parts.methods }),
    queries: queriesOf(parts),
    quarantined: data.review,
    curve: await curveOf(parts),
    ...(parts.words && { words: parts.words }),
    notes: parts.notes,
    seconds: (performance.now() - parts.startMs) / 1000,
    bytes: draft === undefined ? 0 : bytesIn(draft),
  };
}

/** A run that did not begin, with the sentence that says why. */
export async function refusedReport(given: {
  readonly data: MarkData;
  readonly reason: string;
  readonly folder: string;
  readonly seed: number;
  readonly store: VersionStore;
  readonly startMs: number;
  readonly note?: string;
}): Promise<LearningReport> {
  const { reason, note, ...rest } = given;
  return makeReport({
    ...rest,
    ...{ id: 'none', verdict: `Not promoted: ${reason}`, isPromoted: false, primary: 'MRR@10' },
    ...{ split: 'Nothing was held out', minedCount: 0, guardCount: 0, outcomes: [], keptTiers: [] },
    notes: note === undefined ? [] : [note],
  });
}

/** Of a version that learned without marks, or of a run that could not begin. */
export function adaptedReport(given: {
  readonly id: string;
  readonly verdict: string;
  readonly folder: string;
  readonly seed: number;
  readonly result?: GateResult;
  readonly evidence?: AdaptEvidence;
  readonly curve: readonly CurvePoint[];
  readonly chunkCount?: number;
  readonly seconds?: number;
}): LearningReport {
  const { id, verdict, folder, seed, result, evidence, curve } = given;
  const { chunkCount = 0, seconds = 0 } = given;
  const queries = (evidence?.guard ?? []).flatMap((judged) => {
    const [a, b] = [
      evidence?.guardBefore.get(judged.asked),
      evidence?.guardAfter.get(judged.asked),
    ];
    return a && b && changesTopThree(a, b) ? [changeOf('guard', judged, a, b)] : [];
  });
  return {
    ...{ v: 1, kind: 'adapt', version: id, time: new Date().toISOString(), folder, seed, verdict },
    isPromoted: result?.isPassed ?? false,
    primary: 'MRR by embeddings',
    split:
      'Half of the queries of the folder stop the training, the other half decide; their chunks are not learned from',
    learnedFrom: { ...NOTHING, guardCount: evidence?.guard.length ?? 0 },
    ...{ figures: result?.figures ?? [], conditions: result?.conditions ?? [] },
    ...{ tiers: [], queries, quarantined: [], curve, seconds, bytes: 0 },
    notes: [`${chunkCount} chunks were learned from, without any mark`],
  };
}

export const NOTHING: LearnedFrom = {
  ...{ markCount: 0, usableCount: 0, queryCount: 0, relevantCount: 0, notRelevantCount: 0 },
  ...{ openedCount: 0, similarCount: 0, minedCount: 0, guardCount: 0, staleCount: 0 },
  ...{ droppedCount: 0, secretCount: 0, setAsideCount: 0, repeatedCount: 0 },
};

export function learnedFrom(
  { counts, queries, pairs }: MarkData,
  { minedCount, guardCount }: Pick<ReportParts, 'minedCount' | 'guardCount'>,
): LearnedFrom {
  return {
    markCount: counts.marks,
    usableCount: counts.usable,
    queryCount: queries.length,
    relevantCount: counts.relevant,
    notRelevantCount: counts.notRelevant,
    openedCount: counts.opened,
    similarCount: pairs.length,
    ...{ minedCount, guardCount },
    staleCount: counts.stale,
    droppedCount: counts.dropped,
    secretCount: counts.secret,
    setAsideCount: counts.setAside,
    repeatedCount: counts.repeated,
  };
}

function queriesOf({ measured, past }: ReportParts): QueryChange[] {
  const changes: QueryChange[] = [];
  if (measured) {
    const { heldOut, before, after, guard, guardBefore, guardAfter } = measured.evidence;
    for (const judged of heldOut) add(changes, 'heldOut', judged, [before, after]);
    for (const judged of guard) {
      const [a, b] = [guardBefore.get(judged.asked), guardAfter.get(judged.asked)];
      if (a && b && changesTopThree(a, b)) changes.push(changeOf('guard', judged, a, b));
    }
  }
  for (const judged of past?.judged ?? []) {
    const [a, b] = [past?.before.get(judged.asked), past?.after.get(judged.asked)];
    if (a && b && changesTopThree(a, b)) changes.push(changeOf('past', judged, a, b));
  }
  return changes;
}

function add(
  changes: QueryChange[],
  set: QueryChange['set'],
  judged: Judged,
  [before, after]: readonly [ReadonlyMap<string, Answer>, ReadonlyMap<string, Answer>],
): void {
  const [a, b] = [before.get(judged.asked), after.get(judged.asked)];
  if (a && b) changes.push(changeOf(set, judged, a, b));
}

/** The curve up to now, which every report goes on with; nothing where the last one cannot be read. */
export async function earlierCurve(store: VersionStore): Promise<readonly CurvePoint[]> {
  const last = await store.report().catch(() => undefined);
  return (last?.curve ?? []).filter(({ time }) => time !== undefined).slice(-MOST_POINTS);
}

/** The figure that decides, of the runs before and of this one. */
async function curveOf({ measured, data, store }: ReportParts): Promise<readonly CurvePoint[]> {
  const earlier = await earlierCurve(store);
  if (!measured) return earlier;
  const { primary, heldOut, before: was, after } = measured.evidence;
  const figure = compared(primary, '', pairValues(primary, heldOut, was, after));
  const centre = figure.before;
  const point: CurvePoint = {
    ...{ time: new Date().toISOString(), name: primary },
    ...{ markCount: data.counts.usable, count: figure.count, value: figure.after },
    ...{ low: centre + figure.low, high: centre + figure.high },
  };
  return [...earlier, point];
}

const MOST_POINTS = 50;

function bytesIn(folder: string): number {
  return fs
    .readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + fs.statSync(path.join(entry.parentPath, entry.name)).size, 0);
}
