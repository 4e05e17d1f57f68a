/**
 * Embeddings of the queries that marks are for, so that paraphrases are known without embedding them again:
 * a file a folder and base checkpoint, a line a query, keyed by a hash. A cache: what is damaged or lost is
 * computed anew. It goes with the marks when they are forgotten.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { systemCode } from '../../base/errors';
import { isFiniteVector } from '../../base/vector';

export class QueryVectors {
  private constructor(
    private readonly file: string,
    private readonly dimension: number,
    private readonly byKey: Map<string, Float32Array>,
  ) {}

  static async open(folder: string, spaceId: string, dimension: number): Promise<QueryVectors> {
    const file = path.join(folder, `${PREFIX}${spaceId}.txt`);
    const byKey = new Map<string, Float32Array>();
    for (const line of (await readText(file)).split('\n')) {
      const [key = '', code = ''] = line.split(' ');
      const vector = decode(code, dimension);
      if (key.length === KEY_DIGITS && vector) byKey.set(key, vector);
    }
    return new QueryVectors(file, dimension, byKey);
  }

  get(text: string): Float32Array | undefined {
    return this.byKey.get(keyOf(text));
  }

  /** Kept in memory at once; the file is only a help for the next start. */
  async put(text: string, vector: Float32Array): Promise<void> {
    if (vector.length !== this.dimension) return;
    const key = keyOf(text);
    this.byKey.set(key, vector);
    await fs.appendFile(this.file, `${key} ${encode(vector)}\n`, { mode: 0o600 });
  }
}

/** Removes every file of embeddings in a folder of marks: they are made again from the marks that are left. */
export async function removeQueryVectors(folder: string): Promise<void> {
  for (const name of await namesIn(folder))
    if (name.startsWith(PREFIX)) await fs.rm(path.join(folder, name), { force: true });
}

const PREFIX = 'queries-';
const KEY_DIGITS = 32;

function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, KEY_DIGITS);
}

function encode({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function decode(code: string, dimension: number): Float32Array | undefined {
  const bytes = Buffer.from(code, 'base64');
  if (bytes.length !== dimension * Float32Array.BYTES_PER_ELEMENT) return undefined;
  const vector = new Float32Array(new Uint8Array(bytes).buffer);
  return isFiniteVector(vector) ? vector : undefined;
}

async function readText(file: string): Promise<string> {
  try {
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await fs.readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
