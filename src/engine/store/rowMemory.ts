/**
 * Memory that rows of embeddings lie in, and dot products over it with the processor's vector instructions:
 * a few lines of WebAssembly, put together here, five to ten times as fast as the same loop in JavaScript.
 * Where WebAssembly memory is not to be had, `create` gives nothing and JavaScript does the work.
 *
 *   0 query, 32 KiB | 32 KiB scores of up to 8192 rows | 64 KiB rows, block after block
 */

const PAGE_BYTES = 65_536;
const SCORES_AT = 32_768;
const MAX_PAGES = 65_536;
/** Components that one round of the inner loop takes. */
const STEP = 16;
const MAX_DIMENSION = SCORES_AT / 4;
/** The query of int8 rows is scaled to this norm: all sums stay below 2^21, and 14 bits are kept. */
const INT16_SCALE = 16_384;

/** The part of the global `WebAssembly` that is used; the types of Node leave it out. */
interface WasmApi {
  readonly Memory: new (size: { initial: number; maximum: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { m: { m: WasmMemory } },
  ) => { readonly exports: unknown };
}

interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

const wasm = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly;

interface Kernels {
  /** Dot products of float32 rows of `rowBytes` each. */
  readonly float32: (rowsAt: number, count: number, rowBytes: number) => void;
  readonly int8: (rowsAt: number, count: number, rowBytes: number) => void;
}

export class RowMemory {
  private endPage = 1;

  private constructor(
    private readonly memory: WasmMemory,
    private readonly kernels: Kernels,
  ) {}

  /** Undefined where the machine gives no such memory. */
  static create(): RowMemory | undefined {
    try {
      const memory = new wasm.Memory({ initial: 1, maximum: MAX_PAGES });
      const instance = new wasm.Instance(kernelModule(), { m: { m: memory } });
      return new RowMemory(memory, instance.exports as Kernels);
    } catch {
      // Address space may be limited; the scan in JavaScript needs none of it.
      return undefined;
    }
  }

  /** Another object after each `reserve`; views of the older one are dead. */
  get buffer(): ArrayBuffer {
    return this.memory.buffer;
  }

  /** Offset of so many fresh bytes, all zero; undefined when there is no more. */
  reserve(byteCount: number): number | undefined {
    const pages = Math.ceil(byteCount / PAGE_BYTES);
    const offset = this.endPage * PAGE_BYTES;
    try {
      this.memory.grow(pages);
    } catch {
      return undefined;
    }
    this.endPage += pages;
    return offset;
  }

  /**
   * Dot products of the query with `count` float rows from `offset` on, as single precision gives them. The
   * result is overwritten by the next call.
   */
  dotFloat(query: Float32Array, offset: number, count: number): Float32Array {
    new Float32Array(this.buffer, 0, query.length).set(query);
    this.kernels.float32(offset, count, query.length * 4);
    return new Float32Array(this.buffer, SCORES_AT, count);
  }

  /** The same with int8 rows, in units of 1 / `INT16_SCALE`; the query has norm 1. */
  dotInt8(query: Float32Array, offset: number, count: number): Float32Array {
    const scaled = new Int16Array(this.buffer, 0, query.length);
    for (let i = 0; i < query.length; i++) scaled[i] = Math.round(query[i]! * INT16_SCALE);
    this.kernels.int8(offset, count, query.length);
    return new Float32Array(this.buffer, SCORES_AT, count);
  }
}

/** True for dimensions that the kernels can take. */
export function suitsKernels(dimension: number): boolean {
  return dimension % STEP === 0 && dimension <= MAX_DIMENSION;
}

let compiled: object | undefined;

function kernelModule(): object {
  return (compiled ??= new wasm.Module(assemble()));
}

// Opcodes of WebAssembly (webassembly.github.io/spec, binary format) that the kernels use.
const I32 = 0x7f;
const V128 = 0x7b;
const BLOCK = [0x02, 0x40];
const LOOP = [0x03, 0x40];
const END = 0x0b;
const branch = (depth: number): number[] => [0x0c, depth];
const branchIf = (depth: number): number[] => [0x0d, depth];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const constant = (value: number): number[] => [0x41, ...signed(value)];
const ADD = 0x6a;
const SUBTRACT = 0x6b;
const IS_ZERO = 0x45;
const LESS = 0x49;
const simd = (code: number, ...more: number[]): number[] => [0xfd, ...unsigned(code), ...more];
const load = (offset: number): number[] => simd(0x00, 0, ...unsigned(offset));
const ZERO = simd(0x0c, ...Array.from({ length: 16 }, () => 0));
const storeFloat = [0x38, 2, 0];

// Locals of both kernels: three parameters, then what they count with.
const ROWS = 0;
const COUNT = 1;
const ROW_BYTES = 2;
const OUT = 3;
const QUERY = 4;
const ROW_END = 5;
const SUMS = [6, 7, 8, 9] as const;

/** `for each row: sums = 0; do round while row < its end; scores[i] = all lanes of all sums`. */
function kernel(round: number[], addSums: number[], addLanes: number[]): number[] {
  const [first, ...others] = SUMS;
  const total = [
    ...get(first),
    ...others.flatMap((sum) => [...get(sum), ...addSums]),
    ...set(first),
  ];
  const body = [
    ...[...constant(SCORES_AT), ...set(OUT)],
    ...BLOCK,
    ...LOOP,
    ...[...get(COUNT), IS_ZERO, ...branchIf(1)],
    ...SUMS.flatMap((sum) => [...ZERO, ...set(sum)]),
    ...[...constant(0), ...set(QUERY)],
    ...[...get(ROWS), ...get(ROW_BYTES), ADD, ...set(ROW_END)],
    ...LOOP,
    ...round,
    ...[...get(ROWS), ...get(ROW_END), LESS, ...branchIf(0)],
    END,
    ...total,
    ...[...get(OUT), ...addLanes, ...storeFloat],
    ...[...get(OUT), ...constant(4), ADD, ...set(OUT)],
    ...[...get(COUNT), ...constant(1), SUBTRACT, ...set(COUNT)],
    ...branch(0),
    END,
    END,
    END,
  ];
  const locals = [2, 3, I32, SUMS.length, V128];
  return sized([...locals, ...body]);
}

function advance(local: number, bytes: number): number[] {
  return [...get(local), ...constant(bytes), ADD, ...set(local)];
}

/** Sixteen components a round, four in each sum. */
function floatKernel(): number[] {
  const multiply = simd(0xe6);
  const add = simd(0xe4);
  const lane = (index: number): number[] => [...get(SUMS[0]), ...simd(0x1f, index)];
  const ADD_FLOAT = 0x92;
  const round = SUMS.flatMap((sum, index) => [
    ...get(sum),
    ...[...get(ROWS), ...load(index * 16), ...get(QUERY), ...load(index * 16), ...multiply],
    ...add,
    ...set(sum),
  ]);
  return kernel([...round, ...advance(ROWS, 64), ...advance(QUERY, 64)], add, [
    ...lane(0),
    ...lane(1),
    ADD_FLOAT,
    ...lane(2),
    ...lane(3),
    ADD_FLOAT,
    ADD_FLOAT,
  ]);
}

/** Sixteen components a round: widened to int16, multiplied, added in pairs to int32. */
function int8Kernel(): number[] {
  const widenLow = simd(0x87);
  const widenHigh = simd(0x88);
  const dotPairs = simd(0xba);
  const add = simd(0xae);
  const lane = (index: number): number[] => [...get(SUMS[0]), ...simd(0x1b, index)];
  const FLOAT_OF_INT = 0xb2;
  const half = (sum: number, widen: number[], queryOffset: number): number[] => [
    ...get(sum),
    ...[...get(ROWS), ...load(0), ...widen, ...get(QUERY), ...load(queryOffset), ...dotPairs],
    ...add,
    ...set(sum),
  ];
  return kernel(
    [
      ...half(SUMS[0], widenLow, 0),
      ...half(SUMS[1], widenHigh, 16),
      ...advance(ROWS, 16),
      ...advance(QUERY, 32),
    ],
    add,
    [...lane(0), ...lane(1), ADD, ...lane(2), ADD, ...lane(3), ADD, FLOAT_OF_INT],
  );
}

/** A module that imports memory `m.m` and exports the two kernels. */
function assemble(): Uint8Array {
  const text = (name: string): number[] => sized([...Buffer.from(name)]);
  const section = (id: number, content: number[]): number[] => [id, ...sized(content)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, I32, I32, I32, 0]),
    ...section(2, [1, ...text('m'), ...text('m'), 2, 1, 1, ...unsigned(MAX_PAGES)]),
    ...section(3, [2, 0, 0]),
    ...section(7, [2, ...text('float32'), 0, 0, ...text('int8'), 0, 1]),
    ...section(10, [2, ...floatKernel(), ...int8Kernel()]),
  ]);
}

function sized(content: readonly number[]): number[] {
  return [...unsigned(content.length), ...content];
}

/** LEB128 of a number that is not negative. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signed(value >>> 7)];
}
