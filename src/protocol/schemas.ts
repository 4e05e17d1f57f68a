/** What the engine accepts: one schema a method, checked once where a request arrives. */
import * as z from 'zod';
import { NearmissError } from '../base/errors';
import type { Method, ParamsOf } from './methods';
import { PULSE_ANSWERS } from './usage';

const longestText = 1_000_000;
const text = z.string().max(longestText);
const folder = z.string().min(1).max(32_768);
const limit = z.int().min(1).max(1000);
const list = z.array(z.string().max(4096)).max(1000);
const line = z.int().min(0);
const file = z.string().min(1).max(32_768);
const source = z.object({ path: text, start: line, end: line });
const verdict = z.enum(['relevant', 'notRelevant']);
const usageEvent = z.object({
  kind: z.enum(['search', 'reformulated', 'opened', 'unresolved']),
  rank: z.int().min(1).max(1000).optional(),
  seconds: z.number().min(0).max(86_400).optional(),
  hit: source.optional(),
});
const budgetTokens = z.int().min(50).max(1_000_000);
const id = z.string().min(1).max(200);
const learningKind = z.enum(['marks', 'adapt']);
const versionState = z.enum(['shadow', 'pilot', 'all']);
const scope = z.object({
  path: z.string().min(1).max(32_768).optional(),
  language: z.string().min(1).max(100).optional(),
});
/** Buffers that an editor has open and unsaved at once, and how much of each is read. */
const overlays = z.array(z.object({ path: file, text: z.string().max(4_000_000) })).max(200);

const paramSchemas: { readonly [M in Method]: z.ZodType<ParamsOf<M>> } = {
  hello: z.object({ version: z.int(), token: z.string().max(200), client: z.string().max(100) }),
  index: z.object({
    folder,
    waitFor: z.enum(['nothing', 'words', 'static', 'all']),
    waitMs: z.number().min(0).optional(),
    include: list.optional(),
    exclude: list.optional(),
    letIn: list.optional(),
    usesGitRules: z.boolean().optional(),
    refresh: z.boolean().optional(),
    isConfirmed: z.boolean().optional(),
    isHurried: z.boolean().optional(),
  }),
  search: z.object({
    folder,
    query: text,
    limit,
    paths: list.optional(),
    languages: list.optional(),
    kinds: list.optional(),
    rerank: z.boolean(),
    explain: z.boolean().optional(),
    budgetMs: z.number().min(0).max(60_000).optional(),
    ticket: z.int().optional(),
    overlays: overlays.optional(),
    onlyPaths: z.array(file).max(100_000).optional(),
    perFile: limit.optional(),
    budgetTokens: budgetTokens.optional(),
  }),
  similar: z.object({
    folder,
    path: text,
    start: line,
    end: line,
    limit,
    explain: z.boolean().optional(),
    text: text.optional(),
    budgetTokens: budgetTokens.optional(),
  }),
  readSpan: z.object({ folder, path: file, start: line, end: line }),
  status: z.object({ folder: folder.optional() }),
  why: z.object({ folder, path: text }),
  listModels: z.strictObject({}),
  addModel: z.object({ folder }),
  verifyModels: z.strictObject({}),
  useModel: z.object({ name: z.string().min(1).max(500) }),
  pause: z.object({ folder: folder.optional() }),
  resume: z.object({ folder: folder.optional() }),
  clear: z.object({ folder: folder.optional(), isAll: z.boolean().optional() }),
  addMark: z.object({
    folder,
    query: text.optional(),
    source: source.optional(),
    path: text,
    start: line,
    end: line,
    verdict,
    rank: z.int().min(1).optional(),
    overlays: overlays.optional(),
    isWeak: z.boolean().optional(),
  }),
  undoMark: z.object({ folder, id: id.optional() }),
  listMarks: z.object({ folder }),
  exportMarks: z.object({ folder, file }),
  importMarks: z.object({ folder, file }),
  sharing: z.object({ folder }),
  setSharing: z.object({
    folder,
    gives: z.boolean().optional(),
    takes: z.boolean().optional(),
    author: z.string().max(1000).optional(),
    withdraws: z.boolean().optional(),
    isTrusted: z.boolean(),
  }),
  syncSharing: z.object({ folder, isTrusted: z.boolean() }),
  forgetAll: z.object({ folder: folder.optional() }),
  rebuild: z.object({ folder }),
  learningPlan: z.object({ folder, kind: learningKind.optional(), scope: scope.optional() }),
  learn: z.object({
    folder,
    kind: z.enum(['marks', 'adapt', 'check']).optional(),
    version: id.optional(),
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .optional(),
    scope: scope.optional(),
    state: versionState.optional(),
    measuresMethods: z.boolean().optional(),
    resume: z.boolean().optional(),
    isUnasked: z.boolean().optional(),
  }),
  cancelLearning: z.object({ folder }),
  pauseLearning: z.object({ folder, isPaused: z.boolean() }),
  versions: z.object({ folder }),
  useVersion: z.object({
    folder,
    version: id,
    state: versionState.optional(),
    scope: scope.optional(),
  }),
  compareVersion: z.object({ folder, version: id.nullable(), isLive: z.boolean() }),
  shareVersion: z.object({
    folder,
    version: id.optional(),
    author: z.string().max(1000).optional(),
  }),
  takeVersion: z.object({ folder, isTrusted: z.boolean() }),
  learningReport: z.object({ folder, version: id.optional() }),
  bestQuestions: z.object({ folder, limit, queries: z.array(text).max(1000).optional() }),
  reviewQueue: z.object({ folder }),
  resolveReview: z.object({
    folder,
    id,
    decision: z.enum(['keep', 'drop', 'both']).nullable(),
  }),
  noteUsage: z.object({ folder, events: z.array(usageEvent).max(1000) }),
  keepQuery: z.object({ folder, query: text, hit: source }),
  answerPulse: z.object({ folder, answer: z.enum(PULSE_ANSWERS) }),
  usage: z.object({ folder }),
  shutdown: z.strictObject({}),
};

/** True for a method this engine knows. */
export function isMethod(name: string): name is Method {
  return Object.hasOwn(paramSchemas, name);
}

/** The params of a request, checked; unknown fields are dropped. */
export function parseParams<M extends Method>(method: M, params: unknown): ParamsOf<M> {
  const parsed = paramSchemas[method].safeParse(params);
  if (parsed.success) return parsed.data as ParamsOf<M>;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join('.') || 'the request';
  throw new NearmissError(
    'usage',
    `${method}: ${where} is not valid (${issue?.message ?? 'unknown'})`,
  );
}
