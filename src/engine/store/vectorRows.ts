/**
 * Embeddings of chunks in memory, one row a chunk, only ever appended. A row that dies keeps the sequence
 * number of its death, so a view is two numbers: how many rows there were, and up to which sequence deaths
 * count. Any number of views share the rows without a copy.
 */
import { RowMemory, suitsKernels } from './rowMemory';

export type RowArray = Float32Array | Int8Array;

/** How the components of a row are kept. */
export interface RowFormat<A extends RowArray> {
  readonly bytes: number;
  readonly make: (length: number) => A;
  readonly view: (buffer: ArrayBuffer, offset: number, length: number) => A;
  /** Dot products of `count` rows from `offset` on with the query, up to a common factor. */
  readonly dot: (
    memory: RowMemory,
    query: Float32Array,
    offset: number,
    count: number,
  ) => Float32Array;
}

export const FLOAT_ROWS: RowFormat<Float32Array> = {
  bytes: 4,
  make: (length) => new Float32Array(length),
  view: (buffer, offset, length) => new Float32Array(buffer, offset, length),
  dot: (memory, query, offset, count) => memory.dotFloat(query, offset, count),
};

/** Components of a unit-length embedding times 127. */
export const INT8_ROWS: RowFormat<Int8Array> = {
  bytes: 1,
  make: (length) => new Int8Array(length),
  view: (buffer, offset, length) => new Int8Array(buffer, offset, length),
  dot: (memory, query, offset, count) => memory.dotInt8(query, offset, count),
};

/** Rows of one block; growing copies no block. */
export const BLOCK_ROWS = 4096;
const ALIVE = 0;

export class VectorRows<A extends RowArray> {
  private blocks: A[] = [];
  /** Where each block lies in `memory`; undefined for one that is an array of its own. */
  private readonly offsets: (number | undefined)[] = [];
  private readonly memory: RowMemory | undefined;
  private ids = new Uint32Array(BLOCK_ROWS);
  private diedAt = new Uint32Array(BLOCK_ROWS);
  private readonly rowById = new Map<number, number>();
  private rowCount = 0;
  private deadRows = 0;

  constructor(
    readonly dimension: number,
    private readonly format: RowFormat<A>,
  ) {
    if (suitsKernels(dimension)) this.memory = RowMemory.create();
  }

  /** Rows so far, dead ones included. */
  get count(): number {
    return this.rowCount;
  }

  get deadCount(): number {
    return this.deadRows;
  }

  get liveCount(): number {
    return this.rowCount - this.deadRows;
  }

  /** Appends a row; a chunk that has one keeps it. The vector is copied. */
  append(chunkId: number, vector: A): void {
    if (vector.length !== this.dimension || this.rowById.has(chunkId)) return;
    const row = this.reserve(chunkId);
    this.blocks[Math.floor(row / BLOCK_ROWS)]!.set(vector, (row % BLOCK_ROWS) * this.dimension);
  }

  /** Makes room for the row of a chunk that has none, all zero, and returns its number. */
  reserve(chunkId: number): number {
    const row = this.rowCount;
    if (row % BLOCK_ROWS === 0) this.addBlock();
    if (row >= this.ids.length) this.grow();
    this.ids[row] = chunkId;
    this.rowById.set(chunkId, row);
    this.rowCount++;
    return row;
  }

  rowOf(chunkId: number): number | undefined {
    return this.rowById.get(chunkId);
  }

  idAt(row: number): number {
    return this.ids[row]!;
  }

  /** The vector of a row, in place; good until the next row is added. */
  at(row: number): A {
    const start = (row % BLOCK_ROWS) * this.dimension;
    return this.blocks[Math.floor(row / BLOCK_ROWS)]!.subarray(start, start + this.dimension) as A;
  }

  /** Notes that a chunk was removed at `sequence`; it stays visible to older views. */
  kill(chunkId: number, sequence: number): void {
    const row = this.rowById.get(chunkId);
    if (row === undefined || this.diedAt[row] !== ALIVE) return;
    this.diedAt[row] = sequence;
    this.deadRows++;
  }

  isAlive(row: number): boolean {
    return this.diedAt[row] === ALIVE;
  }

  isAliveAt(row: number, sequence: number): boolean {
    const death = this.diedAt[row]!;
    return death === ALIVE || death > sequence;
  }

  /** A block of rows in place; good until the next row is added. */
  blockAt(index: number): A {
    return this.blocks[index]!;
  }

  /**
   * Dot products of the first `count` rows of a block, up to a common factor and in single precision; undefined
   * where only JavaScript can do it. Overwritten by the next call.
   */
  scoreBlock(index: number, count: number, query: Float32Array): Float32Array | undefined {
    const offset = this.offsets[index];
    if (!this.memory || offset === undefined) return undefined;
    return this.format.dot(this.memory, query, offset, count);
  }

  private addBlock(): void {
    const length = BLOCK_ROWS * this.dimension;
    const offset = this.memory?.reserve(length * this.format.bytes);
    this.offsets.push(offset);
    this.blocks.push(this.format.make(offset === undefined ? length : 0));
    const buffer = this.memory?.buffer;
    if (!buffer) return;
    // Memory that grew has a new buffer, and every view of it must be a new one.
    this.blocks = this.blocks.map((block, index) => {
      const at = this.offsets[index];
      return at === undefined ? block : this.format.view(buffer, at, length);
    });
  }

  private grow(): void {
    const ids = new Uint32Array(this.ids.length * 2);
    ids.set(this.ids);
    const diedAt = new Uint32Array(this.ids.length * 2);
    diedAt.set(this.diedAt);
    this.ids = ids;
    this.diedAt = diedAt;
  }
}

/** The rows there were at one moment, without those dead by then. */
export interface RowView<A extends RowArray> {
  readonly rows: VectorRows<A>;
  readonly count: number;
  readonly sequence: number;
}

export function viewOf<A extends RowArray>(rows: VectorRows<A>, sequence: number): RowView<A> {
  return { rows, count: rows.count, sequence };
}

/** Row of a chunk in the view, or undefined. */
export function rowIn<A extends RowArray>(view: RowView<A>, chunkId: number): number | undefined {
  const row = view.rows.rowOf(chunkId);
  if (row === undefined || row >= view.count) return undefined;
  return view.rows.isAliveAt(row, view.sequence) ? row : undefined;
}
