/** What a real search looks like, for pictures and for the checks that need a full panel. */
import type {
  FolderProgress,
  HostMessage,
  PanelHit,
  PanelStatus,
} from '../../../src/protocol/panelMessages';
import { hitNamed } from './hit';

const explain = [
  { name: 'words', rank: 2, value: 7.31, contribution: 0.312, text: 'BM25 7.31, rank 2' },
  { name: 'meaning', rank: 1, value: 0.62, contribution: 0.471, text: 'cosine 0.62, rank 1' },
  {
    name: 'definition',
    contribution: 0.08,
    text: 'defines the name asked for',
  },
  { name: 'test', contribution: -0.11, text: 'tests come after what they test' },
  { name: 're-ranker', rank: 1, contribution: 0.224, text: 'logit 2.10, 31 % of its votes' },
];

/** Six hits of several kinds for "where are expired sessions removed". */
export const realHits: readonly PanelHit[] = [
  hitNamed('x', {
    path: 'src/server/sessions/sessionStore.ts',
    start: 41,
    end: 58,
    symbol: 'SessionStore > removeExpired',
    snippet: [
      '  /** Drops every session whose time is over. */',
      '  async removeExpired(now: number): Promise<number> {',
      '    const expired = [...this.sessions].filter(([, each]) => each.endsAt <= now);',
      '    for (const [id] of expired) this.sessions.delete(id);',
      '    return expired.length;',
      '  }',
    ].join('\n'),
    snippetStart: 41,
    explain,
    score: 0.977,
  }),
  hitNamed('x', {
    path: 'src/server/cleanup.ts',
    start: 11,
    end: 24,
    symbol: 'startCleanup',
    snippet:
      'export function startCleanup(store: SessionStore, everyMs: number): Disposable {\n  const timer = setInterval(() => void store.removeExpired(Date.now()), everyMs);\n  return { dispose: () => clearInterval(timer) };\n}',
    snippetStart: 11,
    explain: explain.map((part) => ({ ...part, contribution: part.contribution * 0.7 })),
    score: 0.684,
  }),
  hitNamed('x', {
    path: 'test/server/sessions/sessionStore.test.ts',
    start: 88,
    end: 103,
    symbol: '',
    kind: 'test',
    snippet:
      "test('removes what has expired and nothing else', async () => {\n  const store = storeWith({ a: 10, b: 20 });\n  assert.equal(await store.removeExpired(15), 1);",
    snippetStart: 88,
    explain,
    score: 0.5,
  }),
  hitNamed('x', {
    path: 'docs/operations.md',
    start: 30,
    end: 36,
    symbol: 'Operations > Sessions',
    kind: 'prose',
    language: 'markdown',
    snippet:
      'Sessions end after 30 minutes without a request. A timer removes expired sessions every minute;\nset `SESSION_SWEEP_MS` to change how often it runs.',
    snippetStart: 30,
    explain,
    score: 0.43,
  }),
  hitNamed('x', {
    path: 'packages/very-long-package-name/src/generated/protocols/session_pb.ts',
    start: 210,
    end: 260,
    symbol: 'SessionExpiredEvent > fromBinary',
    kind: 'generated',
    snippet:
      'export const SessionExpiredEventSchema: GenMessage<SessionExpiredEvent> = messageDesc(file_session, 3); // generated, do not edit, one very long line',
    snippetStart: 210,
    explain,
    score: 0.31,
    mark: { id: 'm1', verdict: 'notRelevant', similarity: 1 },
  }),
  hitNamed('x', {
    path: 'config/sessions.yaml',
    start: 0,
    end: 4,
    symbol: '',
    kind: 'configuration',
    language: 'yaml',
    snippet: 'sessions:\n  expireAfterMinutes: 30\n  sweepEveryMs: 60000',
    snippetStart: 0,
    explain,
    score: 0.2,
    mark: { id: 'm2', verdict: 'relevant', similarity: 0.94 },
  }),
];

export const realQuery = 'where are expired sessions removed';

export const indexingFolder: FolderProgress = {
  name: 'shop',
  state: 'embedding',
  documentCount: 1284,
  wordDocumentCount: 1284,
  staticDocumentCount: 1284,
  embeddableCount: 9310,
  embeddedCount: 4027,
  skippedCount: 3,
  fraction: 0.463,
  isComplete: false,
};

export const indexingStatus: PanelStatus = {
  kind: 'ready',
  isTrusted: false,
  isPaused: false,
  folders: [indexingFolder],
  problems: ['The GPU was lost; searches use the CPU until the engine starts again'],
};

type ColourMessages = {
  readonly styles: Extract<HostMessage, { type: 'styles' }>;
  readonly colours: Extract<HostMessage, { type: 'colours' }>;
};

/** Colours by a simple grammar: keywords, strings and comments as each theme has them. */
function coloursWith(keyword: string, string: string, comment: string): ColourMessages {
  const styles = [undefined, keyword, string, comment].map((color) => ({
    color,
    isBold: false,
    isItalic: false,
    isUnderlined: false,
  }));
  const token =
    /(\/\*\*.*|\/\/.*)|(['"`][^'"`]*['"`])|\b(async|const|for|of|return|export|function|await|new)\b/g;
  const lineOf = (line: string): [number, number][] => {
    const runs: [number, number][] = [];
    let at = 0;
    for (const match of line.matchAll(token)) {
      runs.push([match.index - at, 0]);
      runs.push([match[0].length, match[1] ? 3 : match[2] ? 2 : 1]);
      at = match.index + match[0].length;
    }
    return [...runs, [line.length - at, 0]];
  };
  const snippets = realHits.map(({ key, snippet }) => ({
    key,
    snippet,
    lines: snippet.split('\n').map(lineOf),
  }));
  return {
    styles: { type: 'styles', styles, dropsSnippets: false },
    colours: { type: 'colours', snippets },
  };
}

export const realColours: Readonly<
  Record<'dark' | 'light' | 'highContrast' | 'highContrastLight', ColourMessages>
> = {
  dark: coloursWith('#c586c0', '#ce9178', '#6a9955'),
  light: coloursWith('#af00db', '#a31515', '#008000'),
  highContrast: coloursWith('#c586c0', '#ce9178', '#7ca668'),
  highContrastLight: coloursWith('#b5200d', '#0f4a85', '#515151'),
};
