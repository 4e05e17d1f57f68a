/**
 * Named tensors in one file, in the format of safetensors: the length of a JSON header (8 bytes, little endian), the
 * header (type, shape and byte range of each tensor, and free text), the bytes. What comes from elsewhere is not
 * trusted: every range is checked before anything is read through it.
 */
import * as z from 'zod';
import { NearmissError } from '../../base/errors';

/** One tensor: its values row by row. */
export interface SafeTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** The content of a file. */
export interface SafeFile {
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  /** Free text by name: what the tensors are for. */
  readonly metadata: Readonly<Record<string, string>>;
}

const LENGTH_BYTES = 8;
/** The format's own limit. */
const MOST_HEADER_BYTES = 100_000_000;
const FLOAT_BYTES = 4;
/** A tensor starts at a multiple of this, so that it can be read in place. */
const ALIGNMENT = 8;

/** The bytes of a file. Tensors stand in the order of their names: the same content gives the same bytes. */
export function encodeSafetensors({ tensors, metadata }: SafeFile): Uint8Array {
  const names = [...tensors.keys()].sort();
  let end = 0;
  const entries = names.map((name) => {
    const { dims, data } = tensors.get(name)!;
    const start = end;
    end += data.byteLength;
    return [name, { dtype: 'F32', shape: dims, data_offsets: [start, end] }] as const;
  });
  // From entries and not by assignment: a tensor may be called __proto__.
  const header = Object.fromEntries([['__metadata__', sorted(metadata)], ...entries]);
  const text = Buffer.from(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const bytes = Buffer.alloc(LENGTH_BYTES + headerBytes + end, ' ');
  bytes.writeBigUInt64LE(BigInt(headerBytes), 0);
  text.copy(bytes, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const name of names) {
    const { data } = tensors.get(name)!;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

function sorted(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const entrySchema = z.strictObject({
  dtype: z.literal('F32'),
  shape: z.array(z.int().nonnegative()).max(8),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
type Entry = z.infer<typeof entrySchema>;

/** Reads a file of 32-bit floats; `file` names it in errors. Throws a NearmissError('model') for anything that does not fit. */
export function decodeSafetensors(bytes: Uint8Array, file: string): SafeFile {
  const headerBytes = headerLength(bytes, file);
  const dataStart = LENGTH_BYTES + headerBytes;
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, dataStart), file);
  const { __metadata__: rawMetadata = {}, ...rest } = header;
  const metadata = readMetadata(rawMetadata, file);
  const entries = Object.entries(rest).map(
    ([name, entry]) => [name, readEntry(name, entry, file)] as const,
  );
  checkRanges(entries, bytes.length - dataStart, file);
  const tensors = new Map(
    entries.map(
      ([
        name,
        {
          shape,
          data_offsets: [start, end],
        },
      ]) => {
        // Copied: the file's bytes may lie anywhere, and the tensor is changed by whoever trains it.
        const data = new Float32Array(
          Uint8Array.from(bytes.subarray(dataStart + start, dataStart + end)).buffer,
        );
        return [name, { dims: shape, data }];
      },
    ),
  );
  return { tensors, metadata };
}

function readMetadata(value: unknown, file: string): Record<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : undefined;
  if (!entries?.every((entry): entry is [string, string] => typeof entry[1] === 'string'))
    throw damaged(file, 'its metadata are not texts');
  return Object.fromEntries(entries);
}

function headerLength(bytes: Uint8Array, file: string): number {
  if (bytes.length < LENGTH_BYTES) throw damaged(file, 'it is too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MOST_HEADER_BYTES || LENGTH_BYTES + length > bytes.length)
    throw damaged(file, 'its header ends beyond its end');
  return length;
}

function parseHeader(bytes: Uint8Array, file: string): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(bytes));
    if (typeof header === 'object' && header !== null && !Array.isArray(header))
      return header as Record<string, unknown>;
  } catch (error) {
    throw damaged(file, 'its header is not JSON', error);
  }
  throw damaged(file, 'its header is not a table');
}

function readEntry(name: string, value: unknown, file: string): Entry {
  const entry = entrySchema.safeParse(value);
  if (!entry.success)
    throw damaged(file, `the tensor ${name} is not of 32-bit floats in the known form`);
  const { shape, data_offsets: offsets } = entry.data;
  const size = shape.reduce((product, dim) => product * dim, FLOAT_BYTES);
  if (offsets[1] - offsets[0] !== size)
    throw damaged(
      file,
      `the tensor ${name} of shape [${shape.join(', ')}] has ${offsets[1] - offsets[0]} bytes`,
    );
  return entry.data;
}

/** Ranges in the order of their start follow one another from the first byte to the last. */
function checkRanges(
  entries: readonly (readonly [string, Entry])[],
  dataBytes: number,
  file: string,
): void {
  const inOrder = [...entries].sort(
    ([, a], [, b]) =>
      a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );
  let end = 0;
  for (const [name, { data_offsets: offsets }] of inOrder) {
    if (offsets[1] > dataBytes)
      throw damaged(file, `the tensor ${name} ends beyond the file's end`);
    if (offsets[0] < end) throw damaged(file, `the tensor ${name} overlaps another`);
    if (offsets[0] > end) throw damaged(file, `there is a gap before the tensor ${name}`);
    end = offsets[1];
  }
  if (end !== dataBytes) throw damaged(file, 'it holds bytes that belong to no tensor');
}

function damaged(file: string, reason: string, cause?: unknown): NearmissError {
  const message = `${file} is damaged or no safetensors file: ${reason}`;
  return new NearmissError('model', message, 'Train again, or restore the file', { cause });
}
