/** How large a chunk may be: the estimate against measured peaks, and what follows from too little memory. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { memoryNeeds, planMemory } from '../../../src/engine/training/memoryPlan';
import type { Weight } from '../../../src/engine/training/weights';

const MB = 2 ** 20;

function weight(kind: Weight['kind'], ...dims: number[]): Weight {
  return { name: '', dims, kind, layer: 0 };
}

/** Six layers of 384, all weights but the words' table trained. */
function minilm(): ReturnType<typeof memoryNeeds> {
  const layer = [
    ...Array.from({ length: 4 }, () => weight('matrix', 384, 384)),
    weight('matrix', 384, 1536),
    weight('matrix', 1536, 384),
  ];
  const trained = Array.from({ length: 6 }, () => layer).flat();
  const fed = [weight('table', 30_522, 384), ...trained];
  const sizes = { layers: 6, heads: 12, maxTokens: 128 };
  return memoryNeeds(
    { fed: fed.map((one) => ({ ...one, data: new Float32Array() })), trained },
    sizes,
    1,
  );
}

describe('the plan for memory', () => {
  test('estimates what was measured, rather too much than too little', () => {
    const { fixedBytes, tokenBytes } = minilm();
    // 1.0 GB with chunks of 2,048 tokens against 0.60 with 512; the process itself takes about 0.15.
    const measured = ((1.0 - 0.6) * 2 ** 30) / (2048 - 512);
    assert.ok(measured <= tokenBytes && tokenBytes <= 2 * measured, `${tokenBytes} a token`);
    const peak = 150 * MB + fixedBytes + 1024 * tokenBytes;
    assert.ok(730 * MB <= peak && peak <= 1100 * MB, `${peak / MB} MB`);
  });

  test('keeps the chunk where it fits and makes it smaller where it does not, and says so', () => {
    const needs = { fixedBytes: 100 * MB, tokenBytes: MB };
    const given = { budgetBytes: 1000 * MB, availableBytes: 10_000 * MB, usedBytes: 100 * MB };
    assert.deepEqual(planMemory(needs, given, 500), { chunkTokens: 500 });
    assert.deepEqual(planMemory(needs, given, 5000), {
      chunkTokens: 800,
      note: 'Chunks of 800 tokens, not 5000, for the recipe allows 1000 MB',
    });
    assert.deepEqual(planMemory(needs, { ...given, availableBytes: 500 * MB }, 500), {
      chunkTokens: 300,
      note: 'Chunks of 300 tokens, not 500, for only 500 MB of the 1000 in the recipe are free',
    });
    assert.deepEqual(planMemory(needs, { ...given, availableBytes: 0 }, 500), {
      chunkTokens: 64,
      note: 'Chunks of 64 tokens, not 500, for only 100 MB of the 1000 in the recipe are free, and even that may be too much',
    });
    assert.deepEqual(planMemory(needs, { ...given, availableBytes: 0 }, 32), { chunkTokens: 32 });
  });
});
