import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuse, scaled, scaleOf } from '../../../src/engine/search/fuse';
import type { Candidate, Vote } from '../../../src/engine/search/retrieve';

function candidate(id: number, votes: Omit<Candidate, 'chunk'>): Candidate {
  const chunk = {
    id,
    documentId: 1,
    path: `f${id}.ts`,
    language: 'typescript',
    kind: 'code',
    span: { start: 0, end: 1 },
    symbol: '',
    definitions: [],
    text: '',
  } as const;
  return { chunk, ...votes };
}

test('scales the best proposal to 1 and the last to 0', () => {
  const votes: Vote[] = [
    { value: 8, rank: 1 },
    { value: 4, rank: 2 },
    { value: 2, rank: 3 },
  ];
  const scale = scaleOf(votes);
  assert.deepEqual(scale, { floor: 2, top: 8 });
  assert.equal(scaled({ value: 5 }, scale), 0.5);
  assert.equal(scaled({ value: 1 }, scale), 0);
  assert.equal(scaled(undefined, scale), 0);
});

test('gives a lone proposal the full score', () => {
  assert.equal(scaled({ value: 3, rank: 1 }, scaleOf([{ value: 3, rank: 1 }])), 1);
});

test('mixes words and meaning by the share of the tier a candidate has', () => {
  const fused = fuse(
    [
      candidate(1, { words: { value: 10, rank: 1 }, contextual: { value: 0.2, rank: 3 } }),
      candidate(2, { contextual: { value: 0.6, rank: 1 } }),
      candidate(3, { words: { value: 0, rank: 2 }, contextual: { value: 0.4, rank: 2 } }),
    ],
    { contextual: 0.75, static: 0.25 },
  );
  assert.deepEqual(
    fused.map((part) => Number(part.score.toFixed(6))),
    [0.25, 0.75, 0.375],
  );
});

test('lets words decide alone where nothing is embedded', () => {
  const fused = fuse(
    [
      candidate(1, { words: { value: 4, rank: 1 } }),
      candidate(2, { words: { value: 1, rank: 2 } }),
    ],
    { contextual: 0.7, static: 0.3 },
  );
  assert.deepEqual(
    fused.map((part) => part.score),
    [1, 0],
  );
});
