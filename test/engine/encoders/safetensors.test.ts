import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { NearmissError } from '../../../src/base/errors';
import {
  type SafeFile,
  decodeSafetensors,
  encodeSafetensors,
} from '../../../src/engine/encoders/safetensors';

const small: SafeFile = {
  tensors: new Map([
    ['b', { dims: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
    ['a', { dims: [], data: Float32Array.of(-0.5) }],
  ]),
  metadata: { format: 'test', base: 'x' },
};

function checkRefused(bytes: Uint8Array, reason: RegExp): void {
  assert.throws(
    () => decodeSafetensors(bytes, 'f.safetensors'),
    (error) =>
      error instanceof NearmissError && error.code === 'model' && reason.test(error.message),
  );
}

/** A file with a header of our own making over eight bytes of data. */
function fileOf(header: unknown, dataBytes = 8): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
}

const one = (start: number, end: number, shape = [(end - start) / 4]): object => ({
  dtype: 'F32',
  shape,
  data_offsets: [start, end],
});

describe('safetensors', () => {
  test('gives back what was written, whatever it is', () => {
    const tensor = fc.array(fc.float({ noNaN: true }), { maxLength: 6 });
    const contents = fc.dictionary(fc.string(), tensor, { maxKeys: 5 });
    fc.assert(
      fc.property(contents, fc.dictionary(fc.string(), fc.string()), (content, metadata) => {
        const named = Object.entries(content).filter(([name]) => name !== '__metadata__');
        const tensors = new Map(
          named.map(([name, values]) => [
            name,
            { dims: [values.length], data: Float32Array.from(values) },
          ]),
        );
        const read = decodeSafetensors(encodeSafetensors({ tensors, metadata }), 'f');
        assert.deepEqual(
          [...read.tensors].sort(([a], [b]) => (a < b ? -1 : 1)),
          [...tensors].sort(([a], [b]) => (a < b ? -1 : 1)),
        );
        const sorted = (table: Readonly<Record<string, string>>): unknown =>
          Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1));
        assert.deepEqual(sorted(read.metadata), sorted(metadata));
      }),
      { numRuns: 60, examples: [[{ ['__proto__']: [1] }, { ['__proto__']: '' }]] },
    );
  });

  test('does not depend on the order in which tensors were put', () => {
    const turned = { ...small, tensors: new Map([...small.tensors].reverse()) };
    assert.deepEqual(encodeSafetensors(turned), encodeSafetensors(small));
  });

  test('starts its data at a multiple of eight bytes, as the format asks', () => {
    const bytes = Buffer.from(encodeSafetensors(small));
    assert.equal((8 + Number(bytes.readBigUInt64LE(0))) % 8, 0);
  });

  test('refuses what is cut anywhere', () => {
    const bytes = encodeSafetensors(small);
    for (let end = 0; end < bytes.length; end++) checkRefused(bytes.subarray(0, end), /damaged/);
  });

  test('refuses every wrong range', () => {
    checkRefused(fileOf({ a: one(0, 4), b: one(0, 8) }), /overlaps/);
    checkRefused(fileOf({ a: one(0, 4) }), /belong to no tensor/);
    checkRefused(fileOf({ a: one(4, 8) }), /gap before the tensor a/);
    checkRefused(fileOf({ a: one(0, 12) }), /ends beyond/);
    checkRefused(fileOf({ a: one(0, 8, [3]) }), /of shape \[3\] has 8 bytes/);
    checkRefused(fileOf({ a: one(8, 0, [2]) }), /has -8 bytes/);
  });

  test('refuses other types, other headers and a header beyond the end', () => {
    checkRefused(fileOf({ a: { dtype: 'F64', shape: [1], data_offsets: [0, 8] } }), /32-bit/);
    checkRefused(fileOf('[]'), /no table|not a table/);
    checkRefused(fileOf('{'), /not JSON/);
    checkRefused(fileOf({ __metadata__: { a: 1 } }, 0), /not texts/);
    const long = Buffer.alloc(16);
    long.writeBigUInt64LE(2n ** 63n);
    checkRefused(long, /header ends beyond/);
  });
});
