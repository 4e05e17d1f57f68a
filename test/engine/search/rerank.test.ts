import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Reranker } from '../../../src/engine/encoders/types';
import { parseQuery } from '../../../src/engine/search/query';
import {
  densestSpan,
  firstStageConfidence,
  mostOfReranker,
  rerank,
  rerankUntil,
} from '../../../src/engine/search/rerank';
import { DEFAULT_WEIGHTS } from '../../../src/engine/search/weights';
import type { ChunkRow } from '../../../src/engine/store/types';

function scripted(logits: Readonly<Record<string, number>>): Reranker {
  return {
    fingerprint: 'scripted',
    score: (_query, texts) =>
      Promise.resolve(Float32Array.from(texts, (text) => logits[text] ?? 0)),
    dispose() {},
  };
}

test('chooses the earliest window with the most gain that fits', () => {
  assert.deepEqual(densestSpan([0, 2, 1, 0, 3], [5, 5, 5, 5, 5], 10), { start: 1, end: 3 });
  assert.deepEqual(densestSpan([0, 0], [50, 50], 10), { start: 0, end: 1 });
});

test('keeps every window within the budget unless a single line is larger', () => {
  const line = fc.record({ gain: fc.nat(5), size: fc.integer({ min: 1, max: 30 }) });
  fc.assert(
    fc.property(
      fc.array(line, { minLength: 1 }),
      fc.integer({ min: 1, max: 60 }),
      (lines, budget) => {
        const sizes = lines.map(({ size }) => size);
        const { start, end } = densestSpan(
          lines.map(({ gain }) => gain),
          sizes,
          budget,
        );
        assert.ok(start < end && end <= lines.length);
        const size = sizes.slice(start, end).reduce((a, b) => a + b, 0);
        assert.ok(size <= budget || end === start + 1);
      },
    ),
  );
});

test('scales from the worst to the best, the middle low', async () => {
  const logits = { a: 2, b: 0, c: -2 };
  const read = async (texts: string[]): Promise<number[]> =>
    (await rerank(scripted(logits), parseQuery('x'), texts, undefined)).map(({ share }) => share);
  assert.deepEqual(await read(['b', 'a', 'c']), [0.25, 1, 0]);
  assert.deepEqual(await read(['a', 'a']), [0, 0]);
  assert.deepEqual(await read(['c']), [0]);
});

test('reads at least one slice however late it is, and no more', async () => {
  const texts = Array.from({ length: 20 }, (_, index) => `t${index}`);
  const scores = await rerankUntil(scripted({}), parseQuery('x'), texts, 0, undefined);
  assert.equal(scores.length, 6);
});

test('is sure when the best stands alone and unsure of equals', () => {
  assert.equal(firstStageConfidence([4, 1]), 0.75);
  assert.equal(firstStageConfidence([4, 4]), 0);
  assert.equal(firstStageConfidence([4]), 1);
  assert.equal(firstStageConfidence([]), 0);
});

test('counts most in documentation, less in code, least in running text', () => {
  const most = (kind: ChunkRow['kind'], text: string): number =>
    mostOfReranker({ kind, text } as ChunkRow, DEFAULT_WEIGHTS);
  const documentation = most('prose', '# tar\n\nExtract an archive: `tar xf {{archive}}`');
  const code = most('definition', 'function extract() {}');
  const text = most('prose', 'The flow over a flat plate becomes turbulent. '.repeat(4));
  assert.ok(documentation > code && code > text && text > 0, `${documentation} ${code} ${text}`);
});
