import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, describe, test } from 'node:test';
import {
  type Head,
  applyHead,
  encodeHead,
  newHead,
  readHead,
  withQueryHead,
} from '../../../src/engine/encoders/heads';
import { encodeSafetensors } from '../../../src/engine/encoders/safetensors';
import type { Embedder } from '../../../src/engine/encoders/types';
import { temporaryFolder } from '../../support/temporaryFolder';

const scratch = temporaryFolder(after);

/** The worked example of training-methods 1.4. */
const worked: Head = {
  kind: 'query-head',
  base: 'base',
  dimension: 4,
  rank: 2,
  a: Float32Array.of(1, 0, 0, 0, 0, 0.5, 0.5, 0),
  b: Float32Array.of(0.1, 0, 0, 0.2, 0, 0, 0.3, 0),
};
const h = Float32Array.of(0.6, 0.8, 0, 0);

function checkNear(actual: Iterable<number>, expected: readonly number[]): void {
  const values = [...actual];
  assert.equal(values.length, expected.length);
  values.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]!) < 1e-6, `${value} at ${i}`),
  );
}

describe('heads', () => {
  test('map as the worked example says', () => {
    const mapped = applyHead(worked, h);
    checkNear(mapped, [0.592125, 0.7895, 0, 0.161489]);
    checkNear([mapped[0]! * 0.6 + mapped[1]! * 0.8], [0.986875]);
  });

  test('change nothing before they are trained', () => {
    const fresh = newHead({ kind: 'query-head', base: 'x', dimension: 4, rank: 3 }, 1);
    checkNear(applyHead(fresh, h), [...h]);
    assert.ok(fresh.a.every((value) => value !== 0));
  });

  test('map each row by itself', () => {
    const rows = Float32Array.of(...h, 0, 0, 1, 0);
    const both = applyHead(worked, rows);
    assert.deepEqual(both.slice(0, 4), applyHead(worked, h));
    assert.deepEqual(both.slice(4), applyHead(worked, rows.slice(4)));
  });

  test('come back from their file bit for bit', async () => {
    const file = path.join(scratch, 'whole.safetensors');
    fs.writeFileSync(file, encodeHead(worked));
    assert.deepEqual(await readHead(file), worked);
  });

  test('map queries alone, and are refused on another checkpoint', async () => {
    const embedder = stub('base');
    const headed = withQueryHead(embedder, worked);
    assert.deepEqual(await headed.embedQuery('q'), applyHead(worked, h));
    assert.deepEqual(await headed.embedDocuments(['d']), h);
    assert.throws(() => withQueryHead(stub('other'), worked), /was trained on the checkpoint base/);
  });

  test('name the file that is missing, of another kind, or not finite', async () => {
    const file = path.join(scratch, 'bad.safetensors');
    await assert.rejects(readHead(path.join(scratch, 'none')), /none cannot be used: ENOENT/);
    fs.writeFileSync(file, encodeSafetensors({ tensors: new Map(), metadata: {} }));
    await assert.rejects(readHead(file), /its format is not said/);
    fs.writeFileSync(file, encodeHead({ ...worked, b: worked.b.slice(0, 8).fill(Number.NaN) }));
    await assert.rejects(readHead(file), /no finite numbers/);
    const tensors = new Map([
      ['a', { dims: [2, 4], data: worked.a }],
      ['b', { dims: [2, 4], data: worked.b }],
    ]);
    const metadata = { format: 'nearmiss-head-1', kind: 'query-head', base: 'x' };
    fs.writeFileSync(file, encodeSafetensors({ tensors, metadata }));
    await assert.rejects(readHead(file), /do not fit together/);
  });
});

function stub(checkpoint: string): Embedder {
  return {
    space: { id: 's', checkpoint, arithmetic: 'fp32', dimension: 4 },
    embedDocuments: () => Promise.resolve(Float32Array.from(h)),
    embedQuery: () => Promise.resolve(Float32Array.from(h)),
    dispose: () => undefined,
  };
}
