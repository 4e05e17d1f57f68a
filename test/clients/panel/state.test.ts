import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RERANK_REST_MS, SEARCH_REST_MS } from '../../../src/clients/panel/asking';
import {
  type Effect,
  initialState,
  type PanelEvent,
  type PanelState,
} from '../../../src/clients/panel/model';
import { save } from '../../../src/clients/panel/saved';
import { PREVIEW_REST_MS, update } from '../../../src/clients/panel/state';
import {
  type HostMessage,
  noFilters,
  type PanelHit,
  type PanelMessage,
  type ResultsMessage,
} from '../../../src/protocol/panelMessages';
import { hitNamed, hitsNamed } from './hit';

/** A panel that only thinks: events go in, what it would do is kept. */
class Mind {
  effects: Effect[] = [];

  constructor(public state: PanelState = initialState) {}

  take(...messages: readonly (HostMessage | PanelEvent)[]): this {
    for (const message of messages) {
      const step = update(this.state, message);
      this.state = step.state;
      this.effects.push(...step.effects);
    }
    return this;
  }

  /** What was posted since the last look, without reports of the order shown. */
  posted(): PanelMessage[] {
    const messages = this.effects.flatMap((effect) =>
      effect.type === 'post' && effect.message.type !== 'shown' ? [effect.message] : [],
    );
    this.effects = [];
    return messages;
  }

  /** Answers the newest question. */
  answer(hits: readonly PanelHit[], more: Partial<ResultsMessage> = {}): this {
    return this.take(results(this.state.ticket, hits, more));
  }

  get order(): string {
    return this.state.hits.map((hit) => hit.symbol).join('');
  }
}

function results(
  ticket: number,
  hits: readonly PanelHit[],
  more: Partial<ResultsMessage> = {},
): ResultsMessage {
  const plain = { noGoodMatch: false, notes: [], mayHaveMore: false, tookMs: 1 };
  return { type: 'results', ticket, stage: 'final', hits: [...hits], ...plain, ...more };
}

/** A panel that has asked "q" and shows these hits in their final order. */
function shown(names: string): Mind {
  const mind = new Mind().take({ type: 'typed', query: 'q' }).answer(hitsNamed(...names));
  mind.effects = [];
  return mind;
}

const key = (name: string): string => hitNamed(name).key;

test('asks for fused hits after a short rest and for the re-ranker after a longer one', () => {
  const mind = new Mind().take({ type: 'typed', query: 'q' });
  assert.deepEqual(mind.effects, [
    { type: 'timer', timer: { name: 'search', ticket: 1 }, ms: SEARCH_REST_MS },
    { type: 'timer', timer: { name: 'rerank', ticket: 1 }, ms: RERANK_REST_MS },
  ]);
  mind.take(
    { type: 'elapsed', timer: { name: 'search', ticket: 1 } },
    { type: 'elapsed', timer: { name: 'rerank', ticket: 1 } },
  );
  const asked = { type: 'search', ticket: 1, query: 'q', filters: noFilters, limit: 20 } as const;
  assert.deepEqual(mind.posted(), [
    { ...asked, source: undefined, rerank: false },
    { ...asked, source: undefined, rerank: true },
  ]);
});

test('lets a timer of an older question pass', () => {
  const mind = new Mind().take({ type: 'typed', query: 'q' }, { type: 'typed', query: 'qu' });
  mind.effects = [];
  mind.take({ type: 'elapsed', timer: { name: 'search', ticket: 1 } });
  assert.deepEqual(mind.effects, []);
});

test('drops answers and failures of older questions', () => {
  const mind = shown('ab').take({ type: 'typed', query: 'qu' });
  const before = mind.state;
  mind.take(results(1, hitsNamed('x')), { type: 'failed', ticket: 1, message: 'no' });
  assert.deepEqual(mind.state, before);
});

test('drops a fused answer that comes after the final one', () => {
  const mind = shown('ab').answer(hitsNamed('b', 'a'), { stage: 'first' });
  assert.equal(mind.order, 'ab');
});

test('shows the hits of the last question until the next ones are there', () => {
  const mind = shown('ab').take({ type: 'typed', query: 'qu' });
  assert.equal(mind.order, 'ab');
  assert.equal(mind.answer(hitsNamed('c'), { stage: 'first' }).order, 'c');
});

test('re-orders around what the pointer is on', () => {
  const mind = new Mind().take({ type: 'typed', query: 'q' });
  mind.answer(hitsNamed('a', 'b', 'c'), { stage: 'first' });
  mind.take({ type: 'pointed', key: key('b') }).answer(hitsNamed('c', 'a', 'b'));
  assert.equal(mind.order, 'cba');
});

test('re-orders around what the keyboard is on, and no longer when it has left', () => {
  const mind = new Mind().take({ type: 'typed', query: 'q' });
  mind.answer(hitsNamed('a', 'b', 'c'), { stage: 'first' });
  mind.take({ type: 'focused', key: key('a') }).answer(hitsNamed('c', 'b', 'a'));
  assert.equal(mind.order, 'acb');
  mind.take({ type: 'left' }, { type: 'refresh' }).answer(hitsNamed('c', 'b', 'a'));
  assert.equal(mind.order, 'cba');
});

test('holds nothing of an older question still', () => {
  const mind = shown('ab').take({ type: 'pointed', key: key('a') }, { type: 'typed', query: 'x' });
  assert.equal(mind.answer(hitsNamed('c', 'b', 'a'), { stage: 'first' }).order, 'cba');
});

test('empties the list with the box and stops the search', () => {
  const mind = shown('ab').take({ type: 'cleared' });
  assert.deepEqual(mind.posted(), [{ type: 'cancel' }]);
  assert.deepEqual([mind.state.stage, mind.order], ['idle', '']);
});

test('announces the number of hits once a question', () => {
  const mind = new Mind().take({ type: 'typed', query: 'q' });
  mind.answer(hitsNamed('a', 'b'), { stage: 'first' });
  assert.equal(mind.state.announcement, '2 hits');
  mind.answer(hitsNamed('b'));
  assert.equal(mind.state.announcement, '1 hit');
  mind.take({ type: 'refresh' }).answer([]);
  assert.equal(mind.state.announcement, '1 hit');
  mind.take({ type: 'submitted' }).answer([]);
  assert.equal(mind.state.announcement, 'No hits');
});

test('lets no refresh weaken the answer that it takes the place of', () => {
  const mind = shown('abc').take(
    { type: 'focused', key: key('b') },
    { type: 'judged', key: key('b'), verdict: 'notRelevant' },
  );
  mind.take({
    type: 'marked',
    key: key('b'),
    mark: { id: '1', verdict: 'notRelevant', similarity: 1 },
  });
  mind.answer(hitsNamed('a', 'c', 'b'));
  mind.take({ type: 'undone' }, { type: 'marked', key: key('b') }, { type: 'refresh' });
  assert.equal(mind.answer(hitsNamed('a', 'b', 'c')).order, 'abc', 'exactly as before the mark');
  mind.take(
    { type: 'focused', key: key('a') },
    { type: 'typed', query: 'other' },
    { type: 'refresh' },
  );
  assert.equal(mind.answer(hitsNamed('x')).order, 'x', 'nothing of the last question is held');
});

test('goes on saying that nothing was found while it asks again, and shows first hits at once', () => {
  const mind = new Mind().take({ type: 'typed', query: 'q' }).answer([]);
  mind.take({ type: 'refresh' }, { type: 'refresh' });
  assert.equal(mind.state.arrival, 'refresh');
  mind.answer(hitsNamed('a', 'b'), { stage: 'first' });
  assert.deepEqual([mind.order, mind.state.announcement], ['ab', '2 hits']);
  assert.equal(mind.answer(hitsNamed('b', 'a')).order, 'ba');
  const fresh = new Mind().take({ type: 'typed', query: 'q' }, { type: 'refresh' });
  assert.equal(
    fresh.state.arrival,
    'replace',
    'a question that was never answered is no empty list',
  );
});

test('asks for more and leaves what is shown in its place', () => {
  const mind = shown('ab').take({ type: 'moreAsked' });
  const [message] = mind.posted();
  assert.equal(message?.type === 'search' && message.limit, 22);
  assert.equal(mind.answer(hitsNamed('c', 'b', 'a', 'd')).order, 'abcd');
});

test('keeps the number of hits asked for when it asks again', () => {
  const mind = shown('ab')
    .take({ type: 'moreAsked' })
    .answer(hitsNamed('a', 'b', 'c'));
  mind.effects = [];
  const [message] = mind.take({ type: 'refresh' }).posted();
  assert.equal(message?.type === 'search' && message.limit, 22);
});

test('asks at once when a filter changes', () => {
  const filters = { ...noFilters, languages: ['go'] };
  const [message] = shown('a').take({ type: 'filtered', filters }).posted();
  assert.deepEqual(message?.type === 'search' && [message.filters, message.rerank], [
    filters,
    true,
  ]);
});

test('fills the box from outside, with filters, and searches', () => {
  const mind = new Mind().take({ type: 'ask', query: 'x', filters: { paths: ['src'] } });
  const [message] = mind.posted();
  assert.ok(message?.type === 'search');
  assert.deepEqual([message.query, message.filters.paths], ['x', ['src']]);
  assert.ok(mind.state.areFiltersOpen);
});

test('only takes the focus when asked nothing', () => {
  const mind = shown('a').take({ type: 'ask' });
  assert.deepEqual(mind.effects, [{ type: 'focusBox', isSelecting: true }]);
  assert.equal(mind.order, 'a');
});

test('asks for the like of a span, and for words again after that', () => {
  const source = { folder: '/w', path: 'a.ts', start: 1, end: 2, label: 'a.ts:2' };
  const mind = shown('a').take({ type: 'similar', source });
  const [message] = mind.posted();
  assert.deepEqual(message?.type === 'search' && [message.query, message.source], ['', source]);
  const [again] = mind.take({ type: 'searchResumed' }).posted();
  assert.deepEqual(again?.type === 'search' && [again.query, again.source], ['q', undefined]);
});

test('shows a mark only when it is stored, and sinks what is not relevant at once', () => {
  const mind = shown('abc').take({ type: 'judged', key: key('a'), verdict: 'notRelevant' });
  assert.deepEqual(mind.state.busy, [key('a')]);
  assert.equal(mind.state.hits[0]?.mark, undefined);
  mind.posted();
  const mark = { id: '1', verdict: 'notRelevant' as const, similarity: 1 };
  mind.take({ type: 'marked', key: key('a'), mark });
  assert.equal(mind.order, 'bca');
  assert.deepEqual(mind.state.hits[2]?.mark, mark);
  assert.equal(mind.state.announcement, 'Marked not relevant');
  const [message] = mind.posted();
  assert.equal(message?.type, 'search');
});

test('takes the order of the engine after a mark, whatever the pointer is on', () => {
  const mark = { id: '1', verdict: 'notRelevant' as const, similarity: 1 };
  const mind = shown('abc').take({ type: 'marked', key: key('a'), mark });
  mind.take({ type: 'pointed', key: key('b') });
  mind.answer(hitsNamed('c', 'b', 'a'), { stage: 'first' });
  assert.equal(mind.order, 'bca');
  assert.equal(mind.answer(hitsNamed('c', 'b', 'a')).order, 'cba');
});

test('moves the keyboard to the hit that takes the place of the one that sank', () => {
  const mark = { id: '1', verdict: 'notRelevant' as const, similarity: 1 };
  const mind = shown('abc').take({ type: 'focused', key: key('a') });
  mind.take({ type: 'marked', key: key('a'), mark });
  assert.equal(mind.state.active, key('b'));
  assert.ok(mind.effects.some((effect) => effect.type === 'focusRow' && effect.key === key('b')));
});

test('says why a mark was refused and leaves the list as it is', () => {
  const mind = shown('ab').take({ type: 'judged', key: key('a'), verdict: 'relevant' });
  mind.take({ type: 'marked', key: key('a'), problem: 'The disk is full' });
  assert.deepEqual([mind.order, mind.state.problem], ['ab', 'The disk is full']);
  assert.deepEqual(mind.state.busy, []);
});

test('does not mark twice while the first is under way, and takes back by the same verdict', () => {
  const mind = shown('ab').take({ type: 'judged', key: key('a'), verdict: 'relevant' });
  mind.posted();
  mind.take({ type: 'judged', key: key('a'), verdict: 'relevant' });
  assert.deepEqual(mind.posted(), []);
  const mark = { id: '1', verdict: 'relevant' as const, similarity: 1 };
  mind.take({ type: 'marked', key: key('a'), mark });
  mind.posted();
  mind.take({ type: 'judged', key: key('a'), verdict: 'relevant' });
  assert.deepEqual(mind.posted(), [{ type: 'undo', key: key('a'), markId: '1' }]);
});

test('does not take back a mark made for another question, it marks', () => {
  const mark = { id: '1', verdict: 'relevant' as const, similarity: 0.93 };
  const mind = new Mind().take({ type: 'typed', query: 'q' }).answer([hitNamed('a', { mark })]);
  mind.effects = [];
  mind.take({ type: 'judged', key: key('a'), verdict: 'relevant' });
  assert.deepEqual(mind.posted()[0], { type: 'mark', key: key('a'), verdict: 'relevant' });
});

test('undoes the last mark of the list, once', () => {
  const mark = { id: '7', verdict: 'notRelevant' as const, similarity: 1 };
  const mind = shown('ab').take({ type: 'marked', key: key('a'), mark });
  mind.posted();
  mind.take({ type: 'undone' });
  assert.deepEqual(mind.posted(), [{ type: 'undo', key: key('a'), markId: '7' }]);
  mind.take({ type: 'marked', key: key('a') });
  assert.equal(mind.state.announcement, 'Mark taken back');
  mind.answer(hitsNamed('a', 'b'));
  assert.equal(mind.order, 'ab');
  mind.posted();
  assert.deepEqual(mind.take({ type: 'undone' }).posted(), []);
});

test('undoes a mark of a hit that the list no longer holds', () => {
  const mark = { id: '7', verdict: 'notRelevant' as const, similarity: 1 };
  const mind = shown('ab')
    .take({ type: 'marked', key: key('a'), mark })
    .answer(hitsNamed('b'));
  mind.posted();
  mind.take({ type: 'undone' });
  assert.deepEqual(mind.posted(), [{ type: 'undo', key: key('a'), markId: '7' }]);
});

test('goes through the history and back to the draft', () => {
  const options = { ...initialState.options, history: ['new', 'old'] };
  const mind = new Mind({ ...initialState, options }).take({ type: 'typed', query: 'draft' });
  const queries = ([-1, -1, -1, 1, 1, 1] as const).map(
    (step) => mind.take({ type: 'historyMoved', step }).state.query,
  );
  assert.deepEqual(queries, ['new', 'old', 'old', 'new', 'draft', 'draft']);
});

test('remembers a question that was worth opening a hit, once', () => {
  const mind = shown('a').take({ type: 'opened', key: key('a'), mode: 'preview' });
  assert.deepEqual(mind.posted(), [{ type: 'open', key: key('a'), mode: 'preview' }]);
  mind.take({ type: 'opened', key: key('a'), mode: 'open' });
  mind.take({ type: 'opened', key: key('a'), mode: 'side' });
  assert.deepEqual(mind.posted(), [
    { type: 'open', key: key('a'), mode: 'open' },
    { type: 'history', entries: ['q'] },
    { type: 'open', key: key('a'), mode: 'side' },
  ]);
});

test('keeps the history short and each entry once', () => {
  const history = Array.from({ length: 50 }, (_, index) => `${index}`);
  const mind = new Mind({ ...initialState, options: { ...initialState.options, history } });
  mind.take({ type: 'typed', query: '7' }, { type: 'submitted' });
  const { history: after } = mind.state.options;
  assert.deepEqual([after.length, after[0], after.lastIndexOf('7')], [50, '7', 0]);
});

test('walks from the box into the hits and back', () => {
  const mind = shown('ab').take({ type: 'moved', to: 'next', isExtending: false });
  assert.equal(mind.state.active, key('a'));
  mind.take({ type: 'moved', to: 'next', isExtending: false });
  mind.take({ type: 'moved', to: 'next', isExtending: false });
  assert.equal(mind.state.active, key('b'));
  mind.take({ type: 'moved', to: 'first', isExtending: false });
  mind.effects = [];
  mind.take({ type: 'moved', to: 'previous', isExtending: false });
  assert.deepEqual(mind.effects, [{ type: 'focusBox', isSelecting: false }]);
});

test('extends the chosen hits with Shift and shrinks them again', () => {
  const mind = shown('abcd').take({ type: 'focused', key: key('b') });
  const chosen = (to: 'next' | 'previous'): string =>
    mind
      .take({ type: 'moved', to, isExtending: true })
      .state.selected.map((each) => /(\w)\.ts/.exec(each)?.[1])
      .join('');
  assert.deepEqual([chosen('next'), chosen('next'), chosen('previous')], ['bc', 'bcd', 'bc']);
});

test('chooses with Ctrl what was clicked before as well', () => {
  const mind = shown('abc').take({ type: 'clicked', key: key('a'), how: 'only' });
  mind.take({ type: 'clicked', key: key('c'), how: 'toggle' });
  assert.deepEqual(mind.state.selected, [key('a'), key('c')]);
  mind.take({ type: 'clicked', key: key('a'), how: 'toggle' });
  assert.deepEqual(mind.state.selected, [key('c')]);
});

test('compares two hits and no other number', () => {
  const mind = shown('abc').take({ type: 'clicked', key: key('a'), how: 'toggle' });
  mind.take({ type: 'toggled', what: 'comparison' });
  assert.equal(mind.state.isComparing, false);
  mind.take({ type: 'clicked', key: key('b'), how: 'toggle' });
  mind.take({ type: 'toggled', what: 'comparison' });
  assert.equal(mind.state.isComparing, true);
  mind.take({ type: 'escaped' });
  assert.equal(mind.state.isComparing, false);
});

test('closes with Escape from the inside out and ends in the box', () => {
  const mind = shown('ab').take({ type: 'selectedAll' }, { type: 'toggled', what: 'menu' });
  const steps = [1, 2, 3].map(() => {
    mind.effects = [];
    mind.take({ type: 'escaped' });
    return [mind.state.isMenuOpen, mind.state.selected.length, mind.effects.length];
  });
  assert.deepEqual(steps, [
    [false, 2, 0],
    [false, 0, 0],
    [false, 0, 1],
  ]);
});

test('copies the chosen hits in the order shown, else the active one', () => {
  const mind = shown('abc').take({ type: 'focused', key: key('b') });
  mind.take({ type: 'copied', format: 'pathLine' });
  mind.take({ type: 'clicked', key: key('c'), how: 'toggle' });
  mind.take({ type: 'clicked', key: key('a'), how: 'toggle' });
  mind.take({ type: 'copied', format: 'markdown' });
  assert.deepEqual(mind.posted(), [
    { type: 'copy', keys: [key('b')], format: 'pathLine' },
    { type: 'copy', keys: [key('a'), key('c')], format: 'markdown' },
  ]);
});

test('reports the order on the screen when it changes, and only then', () => {
  const mind = new Mind().take({ type: 'typed', query: 'q' }).answer(hitsNamed('a', 'b'));
  const reports = mind.effects.filter(
    (effect) => effect.type === 'post' && effect.message.type === 'shown',
  );
  assert.deepEqual(reports, [
    {
      type: 'post',
      message: { type: 'shown', keys: [key('a'), key('b')], active: key('a') },
    },
  ]);
  mind.effects = [];
  mind.take({ type: 'toggled', what: 'filters' });
  assert.deepEqual(mind.effects, []);
});

test('shows where F4 went without taking the focus, in a closed file too', () => {
  const mind = shown('ab').take({ type: 'toggled', what: 'grouped' });
  mind.take({ type: 'fileToggled', key: `file\n/w\nsrc/b.ts` });
  assert.equal(mind.state.closedFiles.length, 1);
  mind.effects = [];
  mind.take({ type: 'focusHit', key: key('b') });
  assert.deepEqual([mind.state.active, mind.state.closedFiles], [key('b'), []]);
  assert.deepEqual(mind.effects[0], { type: 'reveal', key: key('b') });
});

test('previews only what the pointer rests on', () => {
  const mind = shown('ab').take({ type: 'pointed', key: key('a') });
  const timer = { name: 'preview', key: key('a') } as const;
  assert.deepEqual(mind.effects, [{ type: 'timer', timer, ms: PREVIEW_REST_MS }]);
  mind.take({ type: 'pointed', key: key('b') }, { type: 'elapsed', timer });
  assert.deepEqual(mind.posted(), []);
  mind.take({ type: 'pointed', key: key('a') }, { type: 'elapsed', timer });
  assert.deepEqual(mind.posted(), [{ type: 'open', key: key('a'), mode: 'preview' }]);
});

test('previews nothing when the setting says so', () => {
  const mind = shown('a');
  mind.state = { ...mind.state, options: { ...mind.state.options, previewOnHover: false } };
  mind.take({ type: 'pointed', key: key('a') });
  assert.deepEqual(mind.effects, []);
});

test('comes back as it was left and asks whether that still holds', () => {
  const left = shown('abc').take(
    { type: 'explained', key: key('b') },
    { type: 'toggled', what: 'grouped' },
  );
  const saved: unknown = JSON.parse(JSON.stringify(save(left.state, 120)));
  const mind = new Mind().take({ type: 'restored', saved });
  assert.deepEqual(
    [mind.order, mind.state.query, mind.state.explained, mind.state.isGrouped],
    ['abc', 'q', [key('b')], true],
  );
  mind.effects = [];
  const [message] = mind.take({ type: 'options', options: initialState.options }).posted();
  assert.equal(message?.type === 'search' && message.query, 'q');
  assert.equal(mind.state.arrival, 'refresh');
});

test('starts afresh from a state that cannot be read', () => {
  for (const saved of [undefined, null, 'x', { query: 1 }, { query: 'q' }])
    assert.deepEqual(update(initialState, { type: 'restored', saved }).state, initialState);
});

test('drops colours with the theme they belong to', () => {
  const snippets = [{ key: key('a'), snippet: 'x', lines: [[[1, 0] as [number, number]]] }];
  const mind = shown('a').take({ type: 'colours', snippets });
  assert.deepEqual(Object.keys(mind.state.colours), [key('a')]);
  mind.take({ type: 'styles', styles: [], dropsSnippets: true });
  assert.deepEqual(mind.state.colours, {});
});

test('keeps the sentence of a failed search until the next one', () => {
  const mind = shown('a').take({ type: 'submitted' });
  mind.take({ type: 'failed', ticket: mind.state.ticket, message: 'It ended', advice: 'Wait' });
  assert.deepEqual(mind.state.failure, { message: 'It ended', advice: 'Wait' });
  mind.take({ type: 'retried' });
  assert.equal(mind.state.failure, undefined);
});
