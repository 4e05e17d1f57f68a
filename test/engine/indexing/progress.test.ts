import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { FolderProgress } from '../../../src/engine/indexing/messages';
import { ProgressMeter } from '../../../src/engine/indexing/progress';

const count = fc.nat(1000);
const counts = fc.record(
  {
    documentCount: count,
    wordDocumentCount: count,
    staticDocumentCount: count,
    embeddableCount: count,
    embeddedCount: count,
    skippedCount: count,
  },
  { requiredKeys: [] },
);
const states = fc.constantFrom('scanning', 'words', 'static', 'embedding', 'waiting');

test('never lets a count of done things or the fraction fall within a run', () => {
  const updates = fc.array(fc.record({ state: states, counts, expected: count }));
  fc.assert(
    fc.property(updates, (steps) => {
      const meter = new ProgressMeter();
      meter.begin();
      let before: FolderProgress = meter.current;
      for (const { state, counts: said, expected } of steps) {
        meter.expectChunks(expected);
        meter.update(state as FolderProgress['state'], said);
        const now = meter.current;
        assert.ok(now.fraction >= before.fraction && now.fraction < 1);
        assert.ok(now.wordDocumentCount >= before.wordDocumentCount);
        assert.ok(now.staticDocumentCount >= before.staticDocumentCount);
        assert.ok(now.embeddedCount >= before.embeddedCount);
        assert.ok(now.wordDocumentCount <= now.documentCount);
        assert.ok(now.embeddedCount <= now.embeddableCount);
        before = now;
      }
      meter.end(before);
      assert.equal(meter.current.fraction, 1);
      meter.dispose();
    }),
  );
});

/** The fraction after each tenth of the embeddings, when 100 files were thought to have `guess` chunks. */
function fractionsOf({ guess, truth }: { guess: number; truth: number }): number[] {
  const meter = new ProgressMeter();
  meter.begin();
  meter.expectChunks(guess);
  const files = { documentCount: 100, wordDocumentCount: 100 };
  meter.update('words', files);
  meter.update('static', { ...files, staticDocumentCount: 100 });
  meter.expectChunks(0);
  const shown: number[] = [];
  for (let tenth = 0; tenth <= 10; tenth++) {
    meter.update('embedding', { embeddableCount: truth, embeddedCount: (tenth * truth) / 10 });
    shown.push(meter.current.fraction);
  }
  meter.dispose();
  return shown;
}

test('is done work by all work while the total stays', () => {
  const expected = Array.from({ length: 10 }, (_, tenth) => (400 + tenth * 400) / 4400);
  assert.deepEqual(
    fractionsOf({ guess: 400, truth: 400 })
      .slice(0, 10)
      .map((fraction) => fraction.toFixed(6)),
    expected.map((fraction) => fraction.toFixed(6)),
  );
});

// The bar stood at "99 %" from a quarter of the embeddings on, because nobody had expected any.
test('goes on evenly to the end when there is more or less to do than was thought', () => {
  for (const guess of [0, 40, 4000, 40_000]) {
    const shown = fractionsOf({ guess, truth: 4000 });
    const rest = 1 - shown[0]!;
    shown.slice(1, 10).forEach((fraction, index) => {
      const tenths = (fraction - shown[0]!) / rest;
      assert.ok(
        guess === 0 || Math.abs(tenths - (index + 1) / 10) < 1e-6,
        `${guess}: ${shown.join(' ')}`,
      );
      assert.ok(fraction >= shown[index]!);
    });
    assert.equal(shown.at(-1), 0.999);
  }
});

test('begins a new run only after the last one has ended', () => {
  const meter = new ProgressMeter();
  meter.begin();
  meter.begin();
  assert.equal(meter.current.run, 1);
  meter.end(meter.current);
  meter.begin();
  assert.deepEqual([meter.current.run, meter.current.fraction], [2, 0]);
  meter.dispose();
});

test('reports a new state at once and a burst of counts once', async () => {
  const meter = new ProgressMeter();
  const reports: FolderProgress[] = [];
  meter.onReport((progress) => reports.push(progress));
  meter.begin();
  for (let i = 1; i <= 50; i++) meter.update('words', { documentCount: 50, wordDocumentCount: i });
  assert.deepEqual(
    reports.map(({ state, wordDocumentCount }) => [state, wordDocumentCount]),
    [
      ['scanning', 0],
      ['words', 1],
    ],
  );
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(reports.at(-1)?.wordDocumentCount, 50);
  assert.equal(reports.length, 3);
  meter.dispose();
});
