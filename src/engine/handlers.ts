/** One handler a method: unpack, call a room, pack. Nothing is decided here. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { NearmissError } from '../base/errors';
import type { Method, Overlay, ParamsOf, ResultOf } from '../protocol/methods';
import type { EngineStatus } from '../protocol/types';
import { type AnswerOptions, toWireResult } from './answer';
import { clearData, forgetData } from './clear';
import { idOfFolder, realFolder } from './dataFolder';
import { CHUNK_KINDS, type ChunkKind } from './documents/document';
import { relativeInside } from './documents/inside';
import type { Engine } from './engine';
import { type UsageLog, withMarks } from './feedback/usage';
import type { ModelShelf } from './modelShelf';
import type { Buffer } from './overlays';
import { readBattery } from './indexing/battery';
import { languageSet, pathMatcher } from './search/query';
import type { SearchRequest } from './search/types';
import type { Client } from './server';
import type { ChunkFilter } from './store/types';

/** So many skipped files are told; their number always is. */
const toldSkippedCount = 10_000;

export interface Services {
  readonly engine: Engine;
  readonly models: ModelShelf;
  readonly usage: UsageLog;
  /** What only the process knows: version, uptime, memory. */
  readonly describe: () => Omit<EngineStatus, 'folders'>;
  readonly leave: () => void;
}

export type HandledMethod = Exclude<Method, 'hello'>;

export interface CallerContext {
  readonly client: Client;
  readonly signal: AbortSignal;
}

export const handlers: {
  readonly [M in HandledMethod]: (
    services: Services,
    params: ParamsOf<M>,
    caller: CallerContext,
  ) => Promise<ResultOf<M>> | ResultOf<M>;
} = {
  async index({ engine }, params, { signal }) {
    const startedAt = performance.now();
    const { session, isNew } = await engine.index(params, signal);
    const skipped = session.skipped.slice(0, toldSkippedCount);
    return { status: session.status, isNew, skipped, tookMs: performance.now() - startedAt };
  },

  async search({ engine }, params, { client, signal }) {
    const { query, ticket, explain = false } = params;
    // Asked anew for each part of the answer: a model may fail while the first hits are made.
    const answer = (): AnswerOptions => ({
      query,
      isExplained: explain,
      hasTexts: params.budgetTokens !== undefined,
      modelProblems: engine.modelProblems,
    });
    const onFirst =
      ticket === undefined
        ? undefined
        : (first: Parameters<typeof toWireResult>[0]): void =>
            client.notify('firstHits', { ticket, result: toWireResult(first, answer()) });
    const { folder, overlays } = params;
    const request = { ...searchRequest(engine, params), buffers: buffersOf(folder, overlays) };
    const result = await engine.search(folder, request, signal, onFirst);
    return toWireResult(result, answer());
  },

  async similar({ engine }, params, { signal }) {
    const { folder, start, end, limit, text, budgetTokens } = params;
    const relative = insidePath(folder, params.path);
    if (end <= start) throw new NearmissError('usage', 'The last line comes before the first');
    const request = { path: relative, span: { start, end }, limit, budgetTokens };
    const result = await engine.similar(folder, request, text, signal);
    const { modelProblems } = engine;
    return toWireResult(result, {
      query: relative,
      isExplained: params.explain ?? false,
      hasTexts: budgetTokens !== undefined,
      modelProblems,
    });
  },

  readSpan({ engine }, { folder, path: given, start, end }) {
    const root = realFolder(folder);
    return engine.readSpan(root, insidePath(root, given), { start, end });
  },

  async why({ engine }, { folder, path: given }) {
    const root = realFolder(folder);
    const relative = insidePath(root, given);
    return engine.why(root, relative);
  },

  async status({ engine, describe }, { folder }) {
    const folders = engine.statuses(folder);
    return { ...describe(), folders, learned: await engine.learned(folder) };
  },

  pause({ engine, describe }, { folder }) {
    engine.pause(folder);
    return { ...describe(), folders: engine.statuses(folder) };
  },

  resume({ engine, describe }, { folder }) {
    engine.resume(folder);
    return { ...describe(), folders: engine.statuses(folder) };
  },

  listModels: ({ models }) => models.list(),
  addModel: ({ models }, { folder }, { signal }) => models.add(folder, signal),
  verifyModels: ({ models }) => models.verify(),
  async useModel({ engine, models }, { name }) {
    const model = await models.use(name);
    await engine.swapCheckpoint();
    return model;
  },

  async clear({ engine }, { folder, isAll }) {
    const { dataFolder } = engine.parts;
    const aim = { folder, isAll: isAll ?? false };
    return clearData(dataFolder, aim, (id) => engine.release(id));
  },

  addMark({ engine }, params) {
    const { folder, source, overlays } = params;
    const aim = {
      ...params,
      path: insidePath(folder, params.path),
      source: source && { ...source, path: insidePath(folder, source.path) },
    };
    return engine.addMark(aim, buffersOf(folder, overlays));
  },

  async undoMark({ engine }, { folder, id }) {
    return (await engine.undoMark(folder, id)) ?? null;
  },

  listMarks: ({ engine }, { folder }) => engine.marking.list(folder),

  async exportMarks({ engine }, { folder, file }) {
    return { count: await engine.marking.exportTo(folder, file) };
  },

  importMarks: ({ engine }, { folder, file }) => engine.marking.importFrom(folder, file),

  sharing: ({ engine }, { folder }) => engine.sharing.info(folder),
  setSharing: ({ engine }, params) => engine.sharing.set(params),
  syncSharing: ({ engine }, { folder, isTrusted }) => engine.sharing.sync(folder, isTrusted),

  async forgetAll({ engine, usage }, { folder }) {
    const { dataFolder } = engine.parts;
    await usage.forget(folder === undefined ? undefined : idOfFolder(folder));
    return forgetData(dataFolder, folder, {
      release: (id) => engine.release(id),
      forgetMarks: (id) => engine.forgetLearned(id),
    });
  },

  rebuild: ({ engine }, { folder }) => engine.rebuild(folder),

  learningPlan: ({ engine }, { folder, kind, scope }) =>
    engine.learning.marks.plan(engine.indexedRecord(folder), kind, scope),
  async learn({ engine }, params, { signal }) {
    if (params.isUnasked && (await readBattery()).isDischarging)
      throw new NearmissError(
        'busy',
        'The machine runs on its battery',
        'Learn when it is plugged in',
      );
    return engine.learning.learn(engine.indexedRecord(params.folder), params, signal);
  },
  cancelLearning: ({ engine }, { folder }) =>
    engine.learning.cancel(engine.indexedRecord(folder).id),
  pauseLearning: ({ engine }, { folder, isPaused }) =>
    engine.learning.pause(engine.indexedRecord(folder).id, isPaused),
  versions({ engine }, { folder }) {
    const record = engine.indexedRecord(folder);
    return engine.parts.versions.list(record.id, record.folder);
  },
  async useVersion({ engine }, params) {
    const { id, folder } = engine.indexedRecord(params.folder);
    await engine.parts.versions.use(id, params);
    return engine.parts.versions.list(id, folder);
  },
  async compareVersion({ engine }, { folder, version, isLive }) {
    const record = engine.indexedRecord(folder);
    await engine.parts.versions.compare(record.id, version, isLive);
    return engine.parts.versions.list(record.id, record.folder);
  },
  async shareVersion({ engine }, { folder, version, author }) {
    const record = engine.indexedRecord(folder);
    const name = author ?? (await engine.sharing.nameIn(record.folder));
    return engine.parts.versions.give(record.id, record.folder, version, name);
  },
  takeVersion: ({ engine }, { folder, isTrusted }, { signal }) =>
    engine.takeVersion(folder, isTrusted, signal),
  learningReport: ({ engine }, { folder, version }) =>
    engine.learning.report(engine.indexedRecord(folder), version),
  bestQuestions: ({ engine }, { folder, limit, queries = [] }, { signal }) =>
    engine.bestQuestions(folder, queries, limit, signal),
  reviewQueue: ({ engine }, { folder }) =>
    engine.learning.marks.queue(engine.indexedRecord(folder)),
  resolveReview: ({ engine }, { folder, id, decision }) =>
    engine.learning.marks.resolve(engine.indexedRecord(folder), id, decision),
  async noteUsage({ engine, usage }, { folder, events }) {
    const id = idOfFolder(folder);
    for (const { kind, hit } of events)
      if (kind === 'opened' && hit) await engine.comparing.opened(id, hit);
    await usage.note(id, events, new Date());
    return null;
  },

  async keepQuery({ engine }, { folder, query, hit }) {
    await engine.keepQuery(folder, query, hit);
    return null;
  },

  async answerPulse({ usage }, { folder, answer }) {
    await usage.answer(idOfFolder(folder), answer, new Date());
    return null;
  },

  async usage({ engine, usage }, { folder }) {
    const { weeks, pulses } = await usage.read(idOfFolder(folder));
    const { marks } = await engine.marking.list(folder);
    return { folder: realFolder(folder), weeks: withMarks(weeks, marks), pulses };
  },

  shutdown({ leave }) {
    leave();
    return null;
  },
};

function searchRequest(engine: Engine, params: ParamsOf<'search'>): SearchRequest {
  const { settings } = engine.parts;
  return {
    query: params.query,
    limit: params.limit,
    filter: filterOf(params),
    rerank: params.rerank,
    rerankCount: settings.rerankCount,
    budgetMs: params.budgetMs,
    perFile: params.perFile ?? settings.perFile,
    budgetTokens: params.budgetTokens,
    // The one-line reason is made of the parts.
    explain: true,
  };
}

function filterOf(params: ParamsOf<'search'>): ChunkFilter {
  const { languages, kinds } = params;
  return {
    path: pathCondition(params),
    languages: languages?.length ? languageSet(languages) : undefined,
    kinds: kinds?.length ? new Set(kinds.map(checkedKind)) : undefined,
  };
}

function pathCondition({ paths, onlyPaths }: ParamsOf<'search'>): ChunkFilter['path'] {
  const matches = paths?.length ? pathMatcher(paths) : undefined;
  if (!onlyPaths) return matches;
  const only = new Set(onlyPaths);
  return (name) => only.has(name) && (matches?.(name) ?? true);
}

function checkedKind(name: string): ChunkKind {
  const kind = CHUNK_KINDS.find((known) => known === name);
  if (kind) return kind;
  throw new NearmissError(
    'usage',
    `There is no kind "${name}"`,
    `Kinds are ${CHUNK_KINDS.join(', ')}`,
  );
}

function buffersOf(folder: string, overlays: readonly Overlay[] = []): Buffer[] {
  return overlays.map(({ path: given, text }) => ({ path: insidePath(folder, given), text }));
}

/** A path as the index writes it. Absolute ones may come through a link into the folder. */
function insidePath(folder: string, given: string): string {
  const root = realFolder(folder);
  const absolute = path.resolve(root, given);
  // Looking whether a network path exists would already sign in to another machine.
  if (/^[\\/]{2}/.test(given) && relativeInside(root, given) === undefined)
    throw outside(given, root);
  const inside = relativeInside(
    root,
    fs.existsSync(absolute) ? fs.realpathSync.native(absolute) : absolute,
  );
  if (inside === undefined) throw outside(given, root);
  if (inside !== '') return inside;
  throw new NearmissError(
    'usage',
    `${given} is the indexed folder itself`,
    'Name a file inside it',
  );
}

function outside(given: string, root: string): NearmissError {
  return new NearmissError(
    'outsideFolder',
    `${given} is outside ${root}`,
    'Name a file inside it, or another folder with --folder',
  );
}
