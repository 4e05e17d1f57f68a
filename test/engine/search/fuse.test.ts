import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cosineScale, fuse, scaled, wordScale } from '../../../src/engine/search/fuse';
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

test('scales words from no match at all to the best', () => {
  const scale = wordScale([
    { value: 8, rank: 1 },
    { value: 4, rank: 2 },
  ]);
  assert.deepEqual(scale, { floor: 0, top: 8 });
  assert.equal(scaled({ value: 4 }, scale), 0.5);
  assert.equal(scaled(undefined, scale), 0);
});

test('scales words from the floor rank where very many match', () => {
  const votes: Vote[] = Array.from({ length: 300 }, (_, index) => ({
    value: 300 - index,
    rank: index + 1,
  }));
  assert.deepEqual(wordScale(votes), { floor: 101, top: 300 });
  assert.equal(scaled({ value: 50 }, wordScale(votes)), 0);
});

test('lets cosines that stand far apart weigh more than those close together', () => {
  const apart = cosineScale([
    { value: 0.8, rank: 1 },
    { value: 0.1, rank: 2 },
  ]);
  const close = cosineScale([
    { value: 0.12, rank: 1 },
    { value: 0.1, rank: 2 },
  ]);
  assert.ok(Math.abs(scaled({ value: 0.8 }, apart) - 2) < 1e-9);
  assert.ok(scaled({ value: 0.12 }, close) < 0.1);
});

test('gives a lone word hit the full score', () => {
  assert.equal(scaled({ value: 3, rank: 1 }, wordScale([{ value: 3, rank: 1 }])), 1);
});

test('mixes words and meaning by the share of the tier a candidate has', () => {
  const fused = fuse(
    [
      candidate(1, { words: { value: 10, rank: 1 }, contextual: { value: 0.2, rank: 3 } }),
      candidate(2, { contextual: { value: 0.55, rank: 1 } }),
      candidate(3, { words: { value: 5, rank: 2 }, static: { value: 0.5 } }),
    ],
    { contextual: 0.75, static: 0.25, prose: 0.6 },
  );
  assert.deepEqual(
    fused.map((part) => [part.words, part.meaningTier, Number(part.score.toFixed(6))]),
    [
      [1, 'contextual', 0.25],
      [0, 'contextual', 0.75],
      [0.5, 'static', 0.732143],
    ],
  );
});

test('lets words count more in running text than in code and in text full of it', () => {
  const votes = { words: { value: 10, rank: 1 }, contextual: { value: 0.2, rank: 1 } };
  const prose = (id: number, text: string): Candidate => {
    const { chunk, ...rest } = candidate(id, votes);
    return { chunk: { ...chunk, kind: 'prose', text }, ...rest };
  };
  const sentences = 'The wing flutters at high speed. It was tested in a tunnel, twice.';
  const commands = '- Flutter a wing:\n`wing --flutter {{speed}} | tunnel > {{path/to/file}}`';
  const fused = fuse([candidate(1, votes), prose(2, sentences), prose(3, commands)], {
    contextual: 0.75,
    static: 0.25,
    prose: 0.6,
  });
  assert.deepEqual(
    fused.map(({ share }) => share),
    [0.75, 0.6, 0.75],
  );
});

test('lets words decide alone where nothing is embedded', () => {
  const fused = fuse(
    [
      candidate(1, { words: { value: 4, rank: 1 } }),
      candidate(2, { words: { value: 1, rank: 2 } }),
    ],
    { contextual: 0.7, static: 0.3, prose: 0.6 },
  );
  assert.deepEqual(
    fused.map((part) => part.score),
    [1, 0.25],
  );
});
