/** `nearmiss learn`, `adapt` and `report`. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { NearmissError, isAbort } from '../../base/errors';
import { unwritable } from '../../base/fileFailure';
import { english } from '../../base/translate';
import type {
  ComparedFigure,
  LearningPlan,
  LearningProgress,
  LearningReport,
  ReviewItem,
  VersionScope,
} from '../../protocol/learning';
import type { FolderStatus } from '../../protocol/types';
import type { EngineClient } from '../engineClient';
import { size } from '../report/figures';
import { methodName } from '../report/methods';
import { reportPage } from '../report/page';
import { redact } from '../report/redact';
import { exitDone } from './failure';
import { usageLines } from './usageLines';
import { conditionLine, harmless, plural } from './format';
import {
  type CliSession,
  type FolderOption,
  printJson,
  printLine,
  tell,
  withFolder,
} from './session';

interface LearnOptions extends FolderOption {
  readonly plan?: boolean;
  readonly seed: number;
  readonly only?: string;
  readonly lang?: string;
  readonly shadow?: boolean;
  readonly methods?: boolean;
  /** A version's name, or true for the one that answers. */
  readonly recheck?: string | true;
}

/** Between two plain lines of progress. */
const lineEveryMs = 5000;

export function learn(options: LearnOptions): Promise<number> {
  return learnAs('marks', options);
}

export function adapt(options: LearnOptions): Promise<number> {
  return learnAs('adapt', options);
}

function learnAs(kind: 'marks' | 'adapt', options: LearnOptions): Promise<number> {
  return withFolder(options, async (session, folder) => {
    const { client, signal } = session;
    const scope = scopeOf(options);
    // Marks are found again by text: what to learn, or that it is too little, is known before anything is embedded.
    await indexTo('static', session, folder);
    const plan = await client.call('learningPlan', { folder, kind, scope });
    if (options.plan) {
      if (options.json) printJson(plan);
      else for (const line of planLines(plan, kind, options)) printLine(line);
      return exitDone;
    }
    const isRecheck = options.recheck !== undefined;
    // What was set aside is judged anew by a run, and may be enough then.
    if (plan.refusal === undefined || plan.quarantinedCount > 0 || isRecheck)
      refusePaused(await indexTo('all', session, folder));
    const progress = showRun(client);
    try {
      if (isRecheck) return await recheck(session, folder, options);
      const state = options.shadow ? 'shadow' : scope ? 'pilot' : 'all';
      const { seed, methods: measuresMethods } = options;
      const params = { folder, kind, seed, scope, state, measuresMethods } as const;
      const { report, version } = await client.call('learn', params, signal);
      if (options.json) printJson(report);
      else for (const line of reportLines(report)) printLine(line);
      if (!options.json && report.isPromoted) printLine(wayOn(version, options));
      return exitDone;
    } catch (error) {
      if (isAbort(error)) tell('Stopped; nothing has changed. `nearmiss learn` goes on from here');
      throw error;
    } finally {
      progress.dispose();
    }
  });
}

/** Measures a version again; one that does not hold gives way to the base. */
async function recheck(
  { client, signal }: CliSession,
  folder: string,
  { recheck: asked, seed, json }: LearnOptions,
): Promise<number> {
  const version = typeof asked === 'string' ? asked : undefined;
  const params = { folder, kind: 'check', version, seed } as const;
  const { report, isPromoted } = await client.call('learn', params, signal);
  if (json) printJson(report);
  else for (const line of reportLines(report)) printLine(line);
  if (!isPromoted) tell('The base answers now where it did; `nearmiss revert` takes that back');
  return exitDone;
}

function scopeOf({ only, lang }: LearnOptions): VersionScope | undefined {
  if (only === undefined && lang === undefined) return undefined;
  return {
    ...(only !== undefined && { path: only }),
    ...(lang !== undefined && { language: lang }),
  };
}

async function indexTo(
  waitFor: 'static' | 'all',
  session: CliSession,
  folder: string,
): Promise<FolderStatus> {
  const { status } = await session.index({ folder, waitFor: 'nothing' });
  // A complete index may lag behind an edit of this second: a mark on what is gone must not be planned with.
  const aim = { folder, waitFor, refresh: status.isComplete };
  return (await session.indexVisibly(aim, status.folderId)).status;
}

/** A wait ends where indexing is paused; what is not embedded would be missing in every figure. */
function refusePaused({ state, embeddedCount, embeddableCount }: FolderStatus): void {
  if (state !== 'paused' || embeddedCount >= embeddableCount) return;
  throw new NearmissError(
    'busy',
    'Indexing is paused, and learning rests on every chunk',
    'Go on with `nearmiss resume`, then learn',
  );
}

interface ReportOptions extends FolderOption {
  readonly out?: string;
  readonly of?: string;
  readonly redact?: boolean;
}

export function report(options: ReportOptions): Promise<number> {
  return withFolder(options, async ({ client }, folder) => {
    const last = await client.call('learningReport', { folder, version: options.of });
    if (!last)
      throw new NearmissError(
        'notFound',
        `Nothing was learned in ${folder} yet`,
        'Run `nearmiss learn`',
      );
    const found = {
      report: last,
      versions: await client.call('versions', { folder }),
      usage: await client.call('usage', { folder }),
    };
    const whole = options.redact ? redact(found) : found;
    if (options.out !== undefined) {
      const isPage = !options.json && /\.html?$/i.test(options.out);
      writeReport(options.out, isPage ? reportPage(whole) : `${JSON.stringify(whole, null, 2)}\n`);
    } else if (options.json) printJson(whole);
    else
      for (const line of [...reportLines(whole.report), ...usageLines(whole.usage)])
        printLine(line);
    return exitDone;
  });
}

function writeReport(out: string, text: string): void {
  try {
    fs.writeFileSync(path.resolve(out), text, { mode: 0o600 });
  } catch (error) {
    throw unwritable(out, error);
  }
  tell(`Written to ${harmless(out)}`);
}

function planLines(
  plan: LearningPlan,
  kind: 'marks' | 'adapt',
  options: Pick<LearnOptions, 'methods' | 'only' | 'lang' | 'shadow'>,
): string[] {
  const { usableCount, markCount, queryCount, quarantinedCount, refusal, seconds } = plan;
  const head = `${plural(markCount, 'mark')}, ${usableCount} usable, on ${queryCount === 1 ? '1 query' : `${queryCount} queries`}; ${quarantinedCount} set aside`;
  // Without marks a single part learns, and marks are not what it is about.
  const isAdapting = kind === 'adapt';
  const shown = plan.tiers.filter(({ isPlanned }) => isPlanned || !isAdapting);
  const tiers = shown.map(
    ({ tier, isPlanned, sentence }) =>
      `${isPlanned ? 'yes' : 'no '}  ${tier.padEnd(14)} ${sentence}`,
  );
  const time = `About ${Math.ceil(seconds / 60)} min on a quiet machine`;
  const busy = plan.isBusy ? ', several times as long beside what keeps this one busy' : '';
  const last = refusal ?? `${time}${busy}. ${plan.split}`;
  const { methodCount, methodSeconds } = plan;
  const minutes = `about ${Math.ceil(methodSeconds / 60)} min more`;
  const measured = options.methods
    ? `Then ${plural(methodCount, 'method')} left out one by one, ${minutes}`
    : `\`--methods\` also says what each of ${plural(methodCount, 'method')} brings, ${minutes}`;
  const told = [...(isAdapting ? [] : [head]), ...tiers, last];
  if (refusal === undefined) told.push(...reachLines(options));
  return [...told, ...(methodCount > 0 ? [measured] : [])];
}

/** What can be done with a version that passed. */
function wayOn(version: string, { shadow }: Pick<LearnOptions, 'shadow'>): string {
  return shadow
    ? `Version ${version} is compared only, searches stay as they are: \`nearmiss compare\` says how it does, \`nearmiss revert ${version}\` lets it answer`
    : `Version ${version}: \`nearmiss revert\` goes back`;
}

/** Where a version would count and be judged, where that is not everywhere. What it learns from is not limited by it. */
function reachLines({
  only,
  lang,
  shadow,
}: Pick<LearnOptions, 'only' | 'lang' | 'shadow'>): string[] {
  if (shadow) return ['It would rank silently: searches stay as they are'];
  const parts = [
    only === undefined ? [] : `under ${only}`,
    lang === undefined ? [] : `in ${lang}`,
  ].flat();
  if (parts.length === 0) return [];
  return [
    harmless(
      `It would count in searches ${parts.join(' and ')} alone and be judged by what is marked there; it learns from all marks`,
    ),
  ];
}

function reportLines(found: LearningReport): string[] {
  const { verdict, figures, tiers, conditions, notes, checks = [] } = found;
  return [
    verdict,
    ...figures.map((figure) => figureLine(figure)),
    ...tiers.map(
      ({ tier, sentence, seconds }) => `${tier.padEnd(14)} ${sentence} (${seconds.toFixed(0)} s)`,
    ),
    ...methodLines(found),
    ...conditions.flatMap((condition) => conditionLine(condition) ?? []),
    ...changeLines(found),
    ...asideLines(found),
    ...notes,
    ...checks.map(
      (check) =>
        `Measured again ${check.time.slice(0, 10)}${check.isUnasked ? ', by itself' : ''}: ${check.verdict}`,
    ),
  ].map((line) => harmless(line));
}

/** What each method brings, where that was asked for. */
function methodLines({ methods = [] }: LearningReport): string[] {
  return methods.map((one) => {
    const { tier, figures, problem, bytes, bytesWithout } = one;
    const { processorSeconds: spent, processorSecondsWithout: spentWithout } = one;
    const name = `${tier}: ${methodName(one.method, english)}`.padEnd(46);
    if (problem !== undefined) return `${name} not measured: ${problem}`;
    const said = figures.map(({ name: figure, of, count, before, after, low, high }) => {
      const interval = `${low.toFixed(3)} to ${high.toFixed(3)}`;
      const values = `${before.toFixed(3)} without, ${after.toFixed(3)} with`;
      return `${figure}, ${count} ${of}: ${values} (95 % of what it brings: ${interval})`;
    });
    const time =
      spent === undefined || spentWithout === undefined
        ? []
        : [
            `${spentWithout.toFixed(1)} s of the processor a model without, ${spent.toFixed(1)} s with`,
          ];
    const space =
      bytes === bytesWithout ? size(bytes) : `${size(bytesWithout)} without, ${size(bytes)} with`;
    return `${name} ${[...said, ...time, space].join('; ')}`;
  });
}

const shownChanges = 8;
const setNames = { heldOut: '', guard: ' (guard)', past: ' (first three change)' } as const;
const outcomeWords = { loss: 'worse ', win: 'better' } as const;

/** Queries that change, those that lose first; the page and --json hold them all, with both orders. */
function changeLines({ queries }: LearningReport): string[] {
  const order = ['loss', 'win'] as const;
  const heldOut = new Set(queries.flatMap(({ set, query }) => (set === 'heldOut' ? [query] : [])));
  // Marked queries are past ones as well; by a model that has not seen them they say more.
  const changed = queries.filter(({ outcome, set, query }) =>
    set === 'past' ? !heldOut.has(query) : outcome !== 'tie' || set !== 'heldOut',
  );
  const sorted = order.flatMap((outcome) =>
    changed.flatMap((one) => (one.outcome === outcome ? [{ ...one, outcome }] : [])),
  );
  const rankOf = (rank: number | undefined): string => (rank === undefined ? '-' : `${rank}`);
  const lines = sorted.slice(0, shownChanges).flatMap((change) => {
    const { query, set, outcome, rankBefore, rankAfter, why } = change;
    const ranks = `first right hit ${rankOf(rankBefore)} -> ${rankOf(rankAfter)}`;
    const [reason] = why;
    return [
      `${outcomeWords[outcome]} "${query}"${setNames[set]}  ${ranks}`,
      ...(reason === undefined ? [] : [`       ${reason}`]),
    ];
  });
  const left = changed.length - Math.min(sorted.length, shownChanges);
  const more = `       and ${left} more; \`nearmiss report --out report.html\` shows all, both orders side by side`;
  return left > 0 ? [...lines, more] : lines;
}

const reasonWords: Readonly<Record<ReviewItem['reason'], string>> = {
  contradiction: 'contradicting',
  copy: 'much like the answer',
  closeToAnswer: 'closer to the answer than to the query',
  duplicate: 'said before',
  mined: 'mined',
  mixed: 'mixed',
};

/** How many marks were set aside, for which reasons, and where to look at them. */
function asideLines({ quarantined }: LearningReport): string[] {
  const doubted = quarantined.filter(({ reason }) => reason !== 'duplicate');
  if (doubted.length === 0) return [];
  const counts = new Map<string, number>();
  for (const { reason } of doubted) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].map(
    ([reason, count]) => `${count} ${reasonWords[reason as ReviewItem['reason']]}`,
  );
  const marks = plural(doubted.length, 'mark');
  return [`${marks} set aside (${reasons.join(', ')}); \`nearmiss marks review\` shows them`];
}

/** One line: what, of how many, before, after, and the interval of the difference. */
function figureLine({ name, of, count, before, after, low, high }: ComparedFigure): string {
  const interval = `${low.toFixed(3)} to ${high.toFixed(3)}`;
  const what = `${name}, ${count} ${of}`.padEnd(42);
  return `${what} ${before.toFixed(3)} -> ${after.toFixed(3)}  (95 % of the change: ${interval})`;
}

function showRun(client: EngineClient): { dispose(): void } {
  let lastAt = 0;
  let lastStage = '';
  let lastText = '';
  return client.on('learningProgress', (progress: LearningProgress) => {
    const isDue = performance.now() - lastAt > lineEveryMs || progress.stage !== lastStage;
    if (!isDue || progress.state === 'ended') return;
    lastAt = performance.now();
    lastStage = progress.stage;
    const { stage, fraction, secondsLeft } = progress;
    const left =
      secondsLeft === undefined
        ? ''
        : `, about ${Math.max(1, Math.ceil(secondsLeft / 60))} min left`;
    const text = `${(100 * fraction).toFixed(0)} % ${stage}${left}`;
    if (text !== lastText) tell(text);
    lastText = text;
  });
}
