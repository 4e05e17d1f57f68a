/** Packing on a real index: what is read whole, what shrinks, and that no line is paid for twice. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { estimateTokens } from '../../../src/base/tokens';
import { packHits, textOfSpan } from '../../../src/engine/search/pack';
import type { Hit } from '../../../src/engine/search/types';
import type { ChunkRow } from '../../../src/engine/store/types';
import { openFolder, type OpenFolder } from '../../support/openFolder';

/** Long enough to be cut into several chunks of one name. */
const longFunction = [
  'export function drawEverything(canvas: Canvas): void {',
  ...Array.from(
    { length: 90 },
    (_, row) => `  canvas.line(${row}, ${row * 3}, left + ${row}, right - ${row}); // part ${row}`,
  ),
  '}',
];
const files = {
  'draw.ts': `${longFunction.join('\n')}\n\nexport function small(): number {\n  return 1;\n}\n`,
  'other.ts': 'export function other(): string {\n  return "other";\n}\n',
};

let open: OpenFolder;
before(async () => {
  open = await openFolder(files);
});
after(() => open.close());

function hitOf({ id, path, span, symbol, kind, language, text }: ChunkRow): Hit {
  const window = { start: span.start, end: Math.min(span.end, span.start + 3) };
  return { chunkId: id, path, span, symbol, kind, language, text, window, score: 1 };
}

function hitsOf(path: string): Hit[] {
  return open.snapshot.chunksAt(path, 0, 1_000_000).map(hitOf);
}

test('gives the whole declaration where it fits, and its other chunks nothing more', () => {
  const hits = hitsOf('draw.ts').filter(({ symbol }) => symbol === 'drawEverything');
  assert.ok(hits.length > 2, 'the function is in several chunks');
  const [whole, ...more] = packHits(open.snapshot, hits.toReversed(), 100_000);
  assert.deepEqual(more, []);
  assert.deepEqual(whole!.span, { start: 0, end: longFunction.length });
  assert.equal(whole!.text, longFunction.join('\n'));
});

test('falls back to the chunk, then to its best lines, then leaves it out', () => {
  const [hit] = hitsOf('draw.ts');
  const cost = estimateTokens(hit!.text);
  assert.deepEqual(
    packHits(open.snapshot, [hit!], cost + 20).map(({ span }) => span),
    [hit!.span],
  );
  assert.deepEqual(
    packHits(open.snapshot, [hit!], cost - 1).map(({ span }) => span),
    [hit!.window],
  );
  assert.deepEqual(packHits(open.snapshot, [hit!], 20), []);
});

test('goes on to smaller hits when one does not fit', () => {
  const [long] = hitsOf('draw.ts');
  const [short] = hitsOf('other.ts');
  const packed = packHits(open.snapshot, [{ ...long!, window: long!.span }, short!], 60);
  assert.deepEqual(
    packed.map(({ path }) => path),
    ['other.ts'],
  );
});

test('keeps within any budget, in order, every line at most once and as it is in the file', () => {
  const all = [...hitsOf('draw.ts'), ...hitsOf('other.ts')];
  fc.assert(
    fc.property(
      fc.shuffledSubarray(all, { minLength: 1 }),
      fc.integer({ min: 50, max: 4000 }),
      (hits, budget) => {
        const packed = packHits(open.snapshot, hits, budget);
        const cost = packed.reduce((sum, { text }) => sum + estimateTokens(text), 0);
        assert.ok(cost <= budget, `${cost} of ${budget}`);
        const seen = new Set<string>();
        for (const { path, span, text } of packed) {
          const lines = files[path as keyof typeof files].split('\n');
          assert.equal(text, lines.slice(span.start, span.end).join('\n'));
          for (let row = span.start; row < span.end; row++) {
            assert.ok(!seen.has(`${path}:${row}`), `${path}:${row} twice`);
            seen.add(`${path}:${row}`);
          }
        }
        const ranks = packed.map(({ chunkId }) => hits.findIndex((hit) => hit.chunkId === chunkId));
        assert.deepEqual(
          ranks,
          ranks.toSorted((a, b) => a - b),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('puts a text together from chunks that overlap, leave gaps, or share one line', () => {
  const chunk = (start: number, end: number, text: string): ChunkRow =>
    ({ span: { start, end }, text }) as ChunkRow;
  const chunks = [
    chunk(0, 2, 'a\nb'),
    chunk(1, 3, 'b\nc'),
    chunk(4, 5, 'long'),
    chunk(4, 5, 'line'),
  ];
  assert.equal(textOfSpan(chunks, { start: 0, end: 6 }), 'a\nb\nc\n\nlongline\n');
  assert.equal(textOfSpan(chunks, { start: 2, end: 3 }), 'c');
});
