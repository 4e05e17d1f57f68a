import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import { silentLogger } from '../../../src/base/log';
import {
  nextKey,
  type PanelAnswer,
  type PanelBackend,
  PanelBridge,
  type PanelQuery,
  toPanelHit,
} from '../../../src/clients/extension/panelBridge';
import {
  type HostMessage,
  noFilters,
  type PanelHit,
  type PanelMessage,
  parseHostMessage,
} from '../../../src/protocol/panelMessages';
import { hitNamed, hitsNamed } from '../panel/hit';

/** A bridge whose backend writes down what it is asked; searches answer when the test says so. */
class Conversation {
  readonly sent: HostMessage[] = [];
  readonly calls: string[] = [];
  readonly searches: {
    readonly query: PanelQuery;
    readonly signal: AbortSignal;
    readonly first: (answer: PanelAnswer) => void;
    readonly resolve: (answer: PanelAnswer) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  failing: NearmissError | undefined;
  readonly bridge: PanelBridge;

  constructor() {
    this.bridge = new PanelBridge(
      this.backend(),
      (message) => this.sent.push(message),
      { colour: () => {}, start: () => {} },
      silentLogger,
    );
  }

  say(message: PanelMessage): Promise<void> {
    return this.bridge.receive(message);
  }

  search(ticket: number, query = 'q', rerank = true): Promise<void> {
    return this.say({ type: 'search', ticket, query, filters: noFilters, limit: 2, rerank });
  }

  /** Answers the n-th search and lets what follows from it happen. */
  async answer(index: number, ...hits: readonly PanelHit[]): Promise<void> {
    this.searches[index]?.resolve({ hits, noGoodMatch: false, notes: [], tookMs: 1 });
    await settled();
  }

  results(): string[] {
    return this.sent.flatMap((message) =>
      message.type === 'results'
        ? `${message.ticket} ${message.stage} ${message.hits.map((hit) => hit.symbol).join('')}`
        : [],
    );
  }

  private backend(): PanelBackend {
    const call = async (name: string): Promise<void> => {
      this.calls.push(name);
      if (this.failing) throw this.failing;
    };
    return {
      search: (query, first, signal) =>
        new Promise((resolve, reject) =>
          this.searches.push({ query, first, signal, resolve, reject }),
        ),
      mark: async (hit, verdict, query) => {
        await call(`mark ${hit.symbol} ${verdict} for ${query.query}`);
        return { id: 'm1', verdict, similarity: 1 };
      },
      undo: (id, hit) => call(`undo ${id} ${hit?.symbol}`),
      open: (hit, mode) => call(`open ${hit.symbol} ${mode}`),
      textOf: async (hit) => `text of ${hit.symbol}`,
      copy: (text) => call(`copy ${text}`),
      showSearchEditor: (text) => call(`editor ${text}`),
      searchNatively: (query) => call(`native ${query}`),
      run: (command) => call(`run ${command}`),
      saveHistory: (entries) => this.calls.push(`history ${entries.join(',')}`),
      options: () => ({
        strings: {},
        locale: 'en',
        isMac: false,
        previewOnHover: false,
        pageSize: 2,
        history: [],
      }),
      status: () => ({
        kind: 'ready',
        isTrusted: true,
        isPaused: false,
        folders: [],
        problems: [],
      }),
      onShown: (count) => this.calls.push(`shown ${count}`),
      localised: (...sentences) => sentences.join('. '),
      complain: (error) => this.calls.push(`complain ${(error as Error).message}`),
    };
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function open(): Promise<Conversation> {
  const talk = new Conversation();
  await talk.say({ type: 'ready' });
  return talk;
}

test('greets a panel with options and status, and says then what waited for it', async () => {
  const talk = new Conversation();
  talk.bridge.status();
  talk.bridge.ask('early');
  assert.equal(talk.sent.length, 0);
  await talk.say({ type: 'ready' });
  assert.deepEqual(
    talk.sent.map((message) => message.type),
    ['options', 'status', 'ask'],
  );
});

test('sends nothing of a question that a newer one replaced', async () => {
  const talk = await open();
  await talk.search(1, 'old');
  await talk.search(2, 'new');
  await settled();
  assert.equal(talk.searches[0]?.signal.aborted, true);
  talk.searches[0]?.first({ hits: hitsNamed('o'), noGoodMatch: false, notes: [], tookMs: 1 });
  await talk.answer(0, ...hitsNamed('o'));
  await talk.answer(1, ...hitsNamed('n'));
  assert.deepEqual(talk.results(), ['2 final n']);
});

test('lets the fused answer of the same ticket end before it re-ranks', async () => {
  const talk = await open();
  await talk.search(1, 'q', false);
  await settled();
  await talk.search(1, 'q', true);
  await settled();
  assert.equal(talk.searches.length, 1);
  await talk.answer(0, ...hitsNamed('a', 'b'));
  assert.equal(talk.searches[1]?.query.rerank, true);
  await talk.answer(1, ...hitsNamed('b', 'a'));
  assert.deepEqual(talk.results(), ['1 first ab', '1 final ba']);
});

test('tells in a sentence why a search failed, and nothing of an aborted one', async () => {
  const talk = await open();
  await talk.search(1);
  await talk.search(2);
  await settled();
  talk.searches[0]?.reject(new Error('closed'));
  talk.searches[1]?.reject(new NearmissError('engine', 'It ended', 'Restart it'));
  await settled();
  assert.deepEqual(talk.sent.slice(2), [
    { type: 'failed', ticket: 2, message: 'It ended', advice: 'Restart it' },
  ]);
});

test('stops the search when the box is emptied or the panel goes away', async () => {
  const talk = await open();
  await talk.search(1);
  await settled();
  await talk.say({ type: 'cancel' });
  assert.equal(talk.searches[0]?.signal.aborted, true);
  await talk.search(2);
  await settled();
  talk.bridge.close();
  assert.equal(talk.searches[1]?.signal.aborted, true);
});

test('acts on hits by key, and waits for the search that brings them back', async () => {
  const talk = await open();
  await talk.search(1);
  await settled();
  const hit = hitNamed('a');
  const opening = talk.say({ type: 'open', key: hit.key, mode: 'side' });
  await talk.answer(0, hit);
  await opening;
  await talk.say({ type: 'open', key: 'unknown', mode: 'open' });
  assert.deepEqual(talk.calls, ['open a side']);
});

test('marks for the question that was asked and reports the stored mark', async () => {
  const talk = await open();
  await talk.search(1, 'find it');
  await settled();
  await talk.answer(0, hitNamed('a'));
  await talk.say({ type: 'mark', key: hitNamed('a').key, verdict: 'notRelevant' });
  assert.deepEqual(talk.calls, ['mark a notRelevant for find it']);
  assert.deepEqual(talk.sent.at(-1), {
    type: 'marked',
    key: hitNamed('a').key,
    mark: { id: 'm1', verdict: 'notRelevant', similarity: 1 },
  });
});

test('marks for the question that the hit answered, whatever is being asked by then', async () => {
  const talk = await open();
  await talk.search(1, 'find it');
  await settled();
  await talk.answer(0, hitNamed('a'));
  await talk.search(2, 'find it now');
  await settled();
  await talk.say({ type: 'mark', key: hitNamed('a').key, verdict: 'relevant' });
  assert.deepEqual(talk.calls, ['mark a relevant for find it']);
});

test('says in the panel why a mark was refused, and leaves the earlier one', async () => {
  const talk = await open();
  const mark = { id: 'm0', verdict: 'relevant' as const, similarity: 1 };
  await talk.search(1);
  await settled();
  await talk.answer(0, hitNamed('a', { mark }));
  talk.failing = new NearmissError('diskFull', 'The disk is full', 'Free some space');
  await talk.say({ type: 'mark', key: hitNamed('a').key, verdict: 'notRelevant' });
  assert.deepEqual(talk.sent.at(-1), {
    type: 'marked',
    key: hitNamed('a').key,
    mark,
    problem: 'The disk is full. Free some space',
  });
});

test('copies places and code of several hits', async () => {
  const talk = await open();
  await talk.search(1);
  await settled();
  await talk.answer(0, ...hitsNamed('a', 'b'));
  const keys = hitsNamed('a', 'b').map((hit) => hit.key);
  await talk.say({ type: 'copy', keys, format: 'pathLine' });
  await talk.say({ type: 'copy', keys: keys.slice(0, 1), format: 'markdown' });
  assert.deepEqual(talk.calls, [
    'copy src/a.ts:5\nsrc/b.ts:5',
    'copy `src/a.ts:5-7` — a\n\n```typescript\ntext of a\n```\n',
  ]);
});

test('goes from hit to hit in the order shown, round at the ends', async () => {
  const talk = await open();
  await talk.search(1);
  await settled();
  await talk.answer(0, ...hitsNamed('a', 'b'));
  const keys = hitsNamed('b', 'a').map((hit) => hit.key);
  await talk.say({ type: 'shown', keys, active: undefined });
  await talk.bridge.step(1);
  await talk.bridge.step(1);
  await talk.bridge.step(1);
  await talk.bridge.step(-1);
  assert.deepEqual(talk.calls, [
    'shown 2',
    'open b open',
    'open a open',
    'open b open',
    'open a open',
  ]);
});

test('finds the neighbour of a key', () => {
  assert.equal(nextKey([], undefined, 1), undefined);
  assert.equal(nextKey(['a', 'b'], undefined, -1), 'b');
  assert.equal(nextKey(['a', 'b'], 'gone', 1), 'a');
  assert.equal(nextKey(['a', 'b'], 'b', 1), 'a');
});

test('drops what is no message of ours', async () => {
  const talk = await open();
  for (const value of [null, 'search', { type: 'run', command: 'rm' }, { type: 'search' }])
    await talk.bridge.receive(value);
  await talk.bridge.receive({ type: 'command', command: 'workbench.action.quit' });
  assert.deepEqual(talk.calls, []);
});

test('says other failures through the extension', async () => {
  const talk = await open();
  talk.failing = new NearmissError('engine', 'No');
  await talk.say({ type: 'command', command: 'showLog' });
  assert.deepEqual(talk.calls, ['run showLog', 'complain No']);
});

test('sends only messages that the panel accepts', async () => {
  const talk = await open();
  await talk.search(1);
  await settled();
  const hit = toPanelHit(
    {
      rank: 1,
      path: 'a.ts',
      start: 0,
      end: 2,
      score: 1,
      symbol: '',
      kind: 'code',
      language: 'typescript',
      snippet: 'x',
      snippetStart: 0,
      why: 'words',
      explain: [{ name: 'words', contribution: 1, text: 'BM25' }],
    },
    '/w',
    'w',
  );
  await talk.answer(0, hit);
  talk.bridge.refresh();
  talk.bridge.showSimilar({ folder: '/w', path: 'a.ts', start: 0, end: 1, label: 'a' });
  for (const message of talk.sent)
    assert.deepEqual(
      parseHostMessage(JSON.parse(JSON.stringify(message))),
      withoutUndefined(message),
    );
});

function withoutUndefined(message: HostMessage): unknown {
  return JSON.parse(JSON.stringify(message));
}
