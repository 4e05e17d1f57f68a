/**
 * The embeddings of one folder and space in one file, so that an engine that starts reads 77 MB in a row
 * instead of 50,000 scattered rows. A cache: what is cut, flipped, of another index or another dimension is
 * ignored, and the shared file of embeddings gives the vectors once more.
 *
 *   magic 8 | CRC of the header 4 | header length 4 | header, JSON | zeros to 4096 | ids, uint32 | rows, float32
 */
import { randomUUID } from 'node:crypto';
import * as fsp from 'node:fs/promises';
import * as zlib from 'node:zlib';
import { BLOCK_ROWS, FLOAT_ROWS, VectorRows } from './vectorRows';

const MAGIC = Buffer.from('NMVEC\0\0\x01', 'latin1');

/** Room for magic, lengths and header. */
const HEADER_BYTES = 4096;
/** Read or written at a time: some three milliseconds of work. */
const SLICE_BYTES = 4 << 20;

/** What a file of vectors belongs to. A file that differs in any of it is not this one. */
export interface VectorFileOwner {
  readonly storeId: string;
  readonly spaceId: string;
}

interface Header extends VectorFileOwner {
  readonly dimension: number;
  readonly count: number;
  /** Sequence number of the index when the file was written. */
  readonly sequence: number;
  /** CRC-32 of ids and rows. */
  readonly checksum: number;
}

/** What a file is made of. */
export interface VectorFileSource {
  readonly owner: VectorFileOwner;
  readonly rows: VectorRows<Float32Array>;
  /** The rows to write, in order. */
  readonly rowNumbers: readonly number[];
  readonly sequence: number;
}

/** Writes the rows; the file appears whole or not at all. */
export async function writeVectorFile(
  file: string,
  source: VectorFileSource,
  signal?: AbortSignal,
): Promise<void> {
  const { owner, rows, rowNumbers, sequence } = source;
  const temporary = `${file}.${randomUUID()}.tmp`;
  const handle = await fsp.open(temporary, 'wx', 0o600);
  try {
    const body = { offset: HEADER_BYTES, checksum: 0 };
    const append = async (bytes: Uint8Array): Promise<void> => {
      signal?.throwIfAborted();
      body.checksum = zlib.crc32(bytes, body.checksum);
      await handle.write(bytes, 0, bytes.length, body.offset);
      body.offset += bytes.length;
    };
    await append(bytesOf(Uint32Array.from(rowNumbers, (row) => rows.idAt(row))));
    for (const slice of slicesOf(rows, rowNumbers)) await append(bytesOf(slice));
    const size = { dimension: rows.dimension, count: rowNumbers.length };
    const header = { ...owner, ...size, sequence, checksum: body.checksum };
    await handle.write(packHeader(header), 0, undefined, 0);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await fsp.rm(temporary, { force: true });
    throw error;
  }
  await handle.close();
  await fsp.rename(temporary, file);
}

/** What a file says it holds; undefined when it is missing, damaged or of another owner. */
export async function readVectorHeader(
  file: string,
  owner: VectorFileOwner,
): Promise<Pick<Header, 'count' | 'sequence' | 'dimension'> | undefined> {
  return withFile(file, (handle) => readHeader(handle, owner));
}

/** The rows of a file in a store of their own, or undefined when the file is missing or not usable. */
export async function readVectorFile(
  file: string,
  owner: VectorFileOwner,
): Promise<VectorRows<Float32Array> | undefined> {
  return withFile(file, async (handle) => {
    const header = await readHeader(handle, owner);
    return header && readRows(handle, header);
  });
}

async function withFile<T>(
  file: string,
  body: (handle: fsp.FileHandle) => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    const handle = await fsp.open(file, 'r');
    try {
      return await body(handle);
    } finally {
      await handle.close();
    }
  } catch {
    // Unreadable is as good as missing: the vectors are elsewhere too.
    return undefined;
  }
}

function packHeader(header: Header): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const out = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(out);
  out.writeUInt32LE(zlib.crc32(json), 8);
  out.writeUInt32LE(json.length, 12);
  json.copy(out, 16);
  return out;
}

async function readHeader(
  handle: fsp.FileHandle,
  owner: VectorFileOwner,
): Promise<Header | undefined> {
  const bytes = Buffer.alloc(HEADER_BYTES);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
  if (bytesRead < bytes.length || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  const length = bytes.readUInt32LE(12);
  if (length > bytes.length - 16) return undefined;
  const json = bytes.subarray(16, 16 + length);
  if (zlib.crc32(json) !== bytes.readUInt32LE(8)) return undefined;
  const header = JSON.parse(json.toString('utf8')) as Header;
  const isOurs = header.storeId === owner.storeId && header.spaceId === owner.spaceId;
  return isOurs ? header : undefined;
}

async function readRows(
  handle: fsp.FileHandle,
  header: Header,
): Promise<VectorRows<Float32Array> | undefined> {
  const { count, dimension } = header;
  const { size } = await handle.stat();
  if (size !== HEADER_BYTES + count * 4 + count * dimension * 4) return undefined;
  const body = { offset: HEADER_BYTES, checksum: 0 };
  const fill = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      const slice = bytes.subarray(at, at + SLICE_BYTES);
      const { bytesRead } = await handle.read(slice, 0, slice.length, body.offset);
      if (bytesRead !== slice.length) throw new Error(`Short read at ${body.offset}`);
      body.checksum = zlib.crc32(slice, body.checksum);
      body.offset += bytesRead;
    }
  };
  const ids = new Uint32Array(count);
  await fill(bytesOf(ids));
  const rows = new VectorRows(dimension, FLOAT_ROWS);
  for (let row = 0; row < count; row += BLOCK_ROWS) {
    const end = Math.min(count, row + BLOCK_ROWS);
    for (let i = row; i < end; i++) rows.reserve(ids[i]!);
    await fill(bytesOf(rows.blockAt(row / BLOCK_ROWS).subarray(0, (end - row) * dimension)));
  }
  return body.checksum === header.checksum ? rows : undefined;
}

function* slicesOf(
  rows: VectorRows<Float32Array>,
  rowNumbers: readonly number[],
): Generator<Float32Array> {
  const perSlice = Math.max(1, Math.floor(SLICE_BYTES / 4 / rows.dimension));
  for (let from = 0; from < rowNumbers.length; from += perSlice) {
    const numbers = rowNumbers.slice(from, from + perSlice);
    const slice = new Float32Array(numbers.length * rows.dimension);
    numbers.forEach((row, index) => slice.set(rows.at(row), index * rows.dimension));
    yield slice;
  }
}

function bytesOf(array: Uint32Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
