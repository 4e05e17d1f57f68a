/**
 * Real exports of five families of encoders, by PyTorch's own exporter, against the gradients that PyTorch finds for
 * them: every weight, to 1e-5. `test/fixtures/exports/make.py` makes the files.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { installationRoot } from '../../../src/base/installation';
import { leavesNothing } from '../../support/leaks';
import { withEncoder } from '../../support/trainable';

leavesNothing();

interface Expected {
  readonly ids: readonly (readonly number[])[];
  readonly mask: readonly (readonly number[])[];
  readonly embeddings: readonly number[];
  /** By the weight's name in the export. */
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly weightCount: number;
}

function assertNear(actual: Float32Array, expected: readonly number[], what: string): void {
  assert.equal(actual.length, expected.length, what);
  const scale = Math.max(1, ...expected.map(Math.abs));
  const apart = Math.max(...expected.map((value, index) => Math.abs(value - actual[index]!)));
  assert.ok(apart < 1e-5 * scale, `${what} is off by ${apart}`);
}

const folder = path.join(installationRoot(), 'test/fixtures/exports');
const names = fs
  .readdirSync(folder)
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => path.basename(file, '.onnx'));

describe("PyTorch's gradients", () => {
  for (const name of names) {
    test(`are found for ${name}`, async () => {
      const file = path.join(folder, name);
      const expected = JSON.parse(fs.readFileSync(`${file}.json`, 'utf8')) as Expected;
      const shape = [expected.ids.length, expected.ids[0]!.length];
      const integers = (rows: readonly (readonly number[])[]): BigInt64Array =>
        BigInt64Array.from(rows.flat(), BigInt);
      const chunk = {
        input_ids: { data: integers(expected.ids), shape },
        attention_mask: { data: integers(expected.mask), shape },
      };
      const options = { pooling: 'mean', selection: { tables: true } } as const;
      await withEncoder(fs.readFileSync(`${file}.onnx`), options, async (encoder) => {
        const embeddings = await encoder.encode(chunk);
        assertNear(embeddings, expected.embeddings, 'the embeddings');
        const sums = encoder.zeroSums();
        await encoder.addGradients(
          chunk,
          embeddings.map((_, index) => (index % 5) - 2),
          sums,
        );
        assert.equal(Object.keys(expected.gradients).length, expected.weightCount);
        assert.deepEqual([...sums.keys()].sort(), Object.keys(expected.gradients).sort());
        for (const [weight, gradient] of Object.entries(expected.gradients))
          assertNear(sums.get(weight)!, gradient, weight);
      });
    });
  }
});
