/**
 * What the extension and its panel say to each other: both directions as discriminated unions, checked where they
 * arrive, because a webview is another process with another lifetime. Lines are 0-based, end exclusive. A hit is
 * known by its key; the panel never sends a path that it was not given.
 */
import * as z from 'zod/mini';

const text = z.string();
const count = z.number().check(z.nonnegative());
const line = z.int().check(z.nonnegative());
const key = z.string().check(z.maxLength(8192));
const verdict = z.enum(['relevant', 'notRelevant']);

/** One part of a hit's score: "words", "meaning", "re-ranker", "your marks", or the name of a rule. */
const explainedPart = z.object({
  name: text,
  /** The rule's name in the person's language; empty where the text says it all. */
  label: z.optional(text),
  rank: z.optional(z.number()),
  value: z.optional(z.number()),
  contribution: z.number(),
  text,
});

const hitMark = z.object({ id: text, verdict, similarity: z.number() });

/** A hit as the panel shows it: the engine's hit, and the workspace folder it lies in. */
export const panelHit = z.object({
  /** Folder, path and span: the same hit in two answers has the same key. */
  key,
  /** Path or URI of the workspace folder, as the host knows it. */
  folder: text,
  /** Set where more than one folder is open. */
  folderName: z.optional(text),
  path: text,
  start: line,
  end: line,
  rank: z.number(),
  score: z.number(),
  symbol: text,
  kind: text,
  language: text,
  /** Of a document that has pages, from 1. */
  page: z.optional(z.number()),
  snippet: text,
  snippetStart: line,
  /** One line: why this is a hit. */
  why: text,
  explain: z.optional(z.array(explainedPart)),
  mark: z.optional(hitMark),
});

/** Conditions beside the query; empty lists hold nothing back. */
export const panelFilters = z.object({
  languages: z.array(text),
  /** Folders or globs, relative to the workspace folder, with `/`. */
  paths: z.array(text),
  kinds: z.array(text),
  changedOnly: z.boolean(),
});

const folderProgress = z.object({
  name: text,
  state: text,
  reason: z.optional(text),
  documentCount: count,
  wordDocumentCount: count,
  staticDocumentCount: count,
  embeddableCount: count,
  embeddedCount: count,
  skippedCount: count,
  /** 0 to 1. */
  fraction: z.number(),
  isComplete: z.boolean(),
});

/** What can be searched just now, and what stands in the way. */
const panelStatus = z.object({
  kind: z.enum([
    'starting',
    'ready',
    /** No folder is open. */
    'noFolder',
    /** The files are not on a disk that the engine can read. */
    'virtual',
    /** A home folder or a very large one: the person decides. */
    'needsConfirmation',
    /** The engine ended and is not started again by itself. */
    'engineGone',
  ]),
  isTrusted: z.boolean(),
  isPaused: z.boolean(),
  /** One sentence, localised where the host made it. */
  reason: z.optional(text),
  advice: z.optional(text),
  folders: z.array(folderProgress),
  /** Sentences about what does not work just now. */
  problems: z.array(text),
  /** Languages found in the folders, for the filter; without it those of the hits are offered. */
  languages: z.optional(z.array(text)),
});

/** Colours of a snippet: for each line the length and the style of each piece, in order. */
const colouredLine = z.array(z.tuple([z.int(), z.int()]));
const colouredSnippet = z.object({ key, snippet: text, lines: z.array(colouredLine) });
const tokenStyle = z.object({
  color: z.optional(z.string().check(z.regex(/^#[0-9a-f]{3,8}$/i))),
  isBold: z.boolean(),
  isItalic: z.boolean(),
  isUnderlined: z.boolean(),
});

/** What a find-similar list is the like of. */
export const similarSource = z.object({
  folder: text,
  path: text,
  start: line,
  end: line,
  label: text,
});

const panelOptions = z.object({
  /** Strings by key, see panelStrings.ts. */
  strings: z.record(text, text),
  /** BCP 47, for numbers. */
  locale: text,
  isMac: z.boolean(),
  /** The editor has a chat that hits can be added to. */
  hasChat: z.optional(z.boolean()),
  /** Whether resting the pointer on a hit previews it. */
  previewOnHover: z.boolean(),
  /** Hits asked for first, and again with each "more". */
  pageSize: z.int().check(z.positive()),
  history: z.array(text),
});

/** Host to panel. */
const hostMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('options'), options: panelOptions }),
  z.object({ type: z.literal('status'), status: panelStatus }),
  z.object({
    type: z.literal('results'),
    ticket: z.int(),
    /** "first": fused hits that a re-ranked answer follows. */
    stage: z.enum(['first', 'final']),
    hits: z.array(panelHit),
    noGoodMatch: z.boolean(),
    notes: z.array(text),
    /** A larger limit may bring more. */
    mayHaveMore: z.boolean(),
    tookMs: z.number(),
  }),
  z.object({
    type: z.literal('failed'),
    ticket: z.int(),
    message: text,
    advice: z.optional(text),
  }),
  /** Fill the box and search; without a query only focus. */
  z.object({
    type: z.literal('ask'),
    query: z.optional(text),
    filters: z.optional(z.partial(panelFilters)),
  }),
  /** Show hits like a span of code; the search that follows carries the source. */
  z.object({ type: z.literal('similar'), source: similarSource }),
  z.object({ type: z.literal('colours'), snippets: z.array(colouredSnippet) }),
  /** Every style that colours may refer to, by position; replaces all earlier ones. */
  z.object({ type: z.literal('styles'), styles: z.array(tokenStyle), dropsSnippets: z.boolean() }),
  /** A mark of this panel was stored, taken back (no mark) or refused (problem). */
  z.object({
    type: z.literal('marked'),
    key,
    mark: z.optional(hitMark),
    problem: z.optional(text),
  }),
  /** Marks or files changed elsewhere: ask the same question again. */
  z.object({ type: z.literal('refresh') }),
  z.object({ type: z.literal('focusHit'), key }),
]);

/** What the person may ask of the extension beside searching; the host maps each to a command. */
const panelCommand = z.enum([
  'openFolder',
  'manageTrust',
  'restartEngine',
  'confirmIndex',
  'pause',
  'resume',
  'showLog',
  'showStatus',
  'showMarks',
  'whyNotFound',
  'runDoctor',
  'openSettings',
]);

/** Panel to host. */
const panelMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({
    type: z.literal('search'),
    /** Grows with each new question; answers to older ones are dropped. */
    ticket: z.int(),
    query: z.string().check(z.maxLength(1_000_000)),
    /** Asks for the like of this span instead; the query is then empty. */
    source: z.optional(similarSource),
    filters: panelFilters,
    limit: z.int().check(z.positive(), z.maximum(1000)),
    rerank: z.boolean(),
  }),
  /** The box was emptied: whatever runs is pointless. */
  z.object({ type: z.literal('cancel') }),
  z.object({
    type: z.literal('open'),
    key,
    mode: z.enum(['preview', 'open', 'side', 'chat']),
  }),
  z.object({ type: z.literal('mark'), key, verdict }),
  z.object({ type: z.literal('undo'), key: z.optional(key), markId: z.optional(text) }),
  z.object({
    type: z.literal('copy'),
    keys: z.array(key),
    format: z.enum(['pathLine', 'markdown']),
  }),
  z.object({ type: z.literal('searchEditor'), keys: z.array(key) }),
  z.object({ type: z.literal('nativeSearch'), query: text, filters: panelFilters }),
  z.object({ type: z.literal('command'), command: panelCommand }),
  /** Hits in the order shown, and the one that keys act on: what F4 goes through. */
  z.object({ type: z.literal('shown'), keys: z.array(key), active: z.optional(key) }),
  z.object({ type: z.literal('history'), entries: z.array(z.string().check(z.maxLength(5000))) }),
  /** The panel could not do its work: for the log. */
  z.object({ type: z.literal('problem'), message: z.string().check(z.maxLength(4000)) }),
]);

export type HostMessage = z.infer<typeof hostMessage>;
export type PanelMessage = z.infer<typeof panelMessage>;
export type PanelHit = z.infer<typeof panelHit>;
export type PanelFilters = z.infer<typeof panelFilters>;
export type PanelStatus = z.infer<typeof panelStatus>;
export type FolderProgress = z.infer<typeof folderProgress>;
export type PanelOptions = z.infer<typeof panelOptions>;
export type PanelCommand = z.infer<typeof panelCommand>;
export type PanelSource = z.infer<typeof similarSource>;
export type PanelVerdict = z.infer<typeof verdict>;
export type PanelMark = z.infer<typeof hitMark>;
export type ColouredSnippet = z.infer<typeof colouredSnippet>;
export type ColouredLine = z.infer<typeof colouredLine>;
export type TokenStyle = z.infer<typeof tokenStyle>;
export type SearchMessage = Extract<PanelMessage, { type: 'search' }>;
export type ResultsMessage = Extract<HostMessage, { type: 'results' }>;

/** No filter at all. */
export const noFilters: PanelFilters = { languages: [], paths: [], kinds: [], changedOnly: false };

/** The message, checked; undefined for anything else, which its receiver drops. */
export function parseHostMessage(value: unknown): HostMessage | undefined {
  const parsed = z.safeParse(hostMessage, value);
  return parsed.success ? parsed.data : undefined;
}

/** The message, checked; undefined for anything else, which its receiver drops. */
export function parsePanelMessage(value: unknown): PanelMessage | undefined {
  const parsed = z.safeParse(panelMessage, value);
  return parsed.success ? parsed.data : undefined;
}

/** The key of a hit: folder, path and span. */
export function hitKey(hit: Pick<PanelHit, 'folder' | 'path' | 'start' | 'end'>): string {
  return `${hit.folder}\n${hit.path}\n${hit.start}-${hit.end}`;
}
