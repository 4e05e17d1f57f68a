import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RERANK_REST_MS, SEARCH_REST_MS } from '../../../src/clients/panel/asking';
import { initialState, type PanelState } from '../../../src/clients/panel/model';
import { PREVIEW_REST_MS, update } from '../../../src/clients/panel/state';

test('asks for fused hits after a short rest and for the re-ranker after a longer one', () => {
  const { effects } = update(initialState, { type: 'typed', query: 'q' });
  assert.deepEqual(effects, [
    { type: 'timer', timer: { name: 'search', ticket: 1 }, ms: SEARCH_REST_MS },
    { type: 'timer', timer: { name: 'rerank', ticket: 1 }, ms: RERANK_REST_MS },
  ]);
});

test('previews only what the pointer rests on', () => {
  const state: PanelState = { ...initialState, pointed: 'a' };
  const { effects } = update(state, { type: 'pointed', key: 'b' });
  assert.deepEqual(effects, [
    { type: 'timer', timer: { name: 'preview', key: 'b' }, ms: PREVIEW_REST_MS },
  ]);
});
