/**
 * A session for graphs of any inputs and outputs, as training has them: several outputs a run, of every number type,
 * copied out or written into arrays of the caller. What runs an encoder is `session.ts`; this is for the rest.
 */
import { BugError, NearmissError, messageOf } from '../../base/errors';
import type { Disposable } from '../../base/lifecycle';
import {
  type Runtime,
  type RuntimeTensor,
  type SessionOptions,
  loadRuntime,
  runtimeOptions,
  startError,
} from './session';

export type Numbers =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | BigUint64Array;

/** A tensor outside the runtime: its numbers row by row, and its shape. Truth values are bytes of type "bool". */
export interface Values<Data extends Numbers = Numbers> {
  readonly data: Data;
  readonly shape: readonly number[];
  readonly type?: ValueType;
}

/** Element types by ONNX Runtime's names. */
export type ValueType = RuntimeTensor['type'];

export interface GraphSession extends Disposable {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Runs the graph and returns the outputs asked for, all without a list. An output found in `into` is written to
   * that array, which may be an input's own where every read of it comes before the write. Occupies the thread.
   */
  run(
    inputs: Readonly<Record<string, Values>>,
    outputs?: readonly string[],
    into?: Readonly<Record<string, Values>>,
  ): Promise<Record<string, Values>>;
}

/** Makes a session. Throws a NearmissError: 'model' for a graph that is not valid, 'provider' otherwise. */
export async function createGraphSession(
  model: Uint8Array,
  options: SessionOptions = {},
): Promise<GraphSession> {
  const ort = loadRuntime();
  try {
    const session = await ort.InferenceSession.create(model, runtimeOptions(options));
    return wrap(ort, session, options.provider ?? 'cpu');
  } catch (error) {
    throw startError(options.provider ?? 'cpu', error);
  }
}

type RuntimeSession = Awaited<ReturnType<Runtime['InferenceSession']['create']>>;

function wrap(ort: Runtime, session: RuntimeSession, provider: string): GraphSession {
  let isReleased = false;
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(inputs, outputs = session.outputNames, into = {}) {
      const feeds = tensorsOf(ort, inputs, session.inputNames);
      const given = tensorsOf(ort, into, outputs);
      const fetches = Object.fromEntries(outputs.map((name) => [name, given[name] ?? null]));
      const results = await session.run(feeds, fetches).catch((error: unknown) => {
        throw runError(provider, error);
      });
      const named = outputs.map((name) => {
        const result = results[name];
        return [name, into[name] ?? valuesOf(result, name)] as const;
      });
      for (const tensor of Object.values(results)) tensor.dispose();
      return Object.fromEntries(named);
    },
    dispose() {
      if (isReleased) return;
      isReleased = true;
      void session.release();
    },
  };
}

/** What ONNX Runtime and its devices say when there is no room for a tensor. */
const NO_ROOM = /bad_alloc|failed to allocate|out of memory|outofmemory/i;

/** A run that failed for want of memory, by a device's fault, or by a graph that does not fit what it was fed. */
export function runError(provider: string, error: unknown): unknown {
  const message = messageOf(error).split('\n', 1)[0]!.slice(0, 300);
  if (NO_ROOM.test(message))
    return new NearmissError('memory', `There is no memory left for a run: ${message}`, undefined, {
      cause: error,
    });
  if (provider === 'cpu') return error;
  return new NearmissError(
    'provider',
    `The provider ${provider} stopped working: ${message}`,
    'Set provider to "cpu" to go on without it',
    { cause: error },
  );
}

function tensorsOf(
  ort: Runtime,
  values: Readonly<Record<string, Values>>,
  names: readonly string[],
): Record<string, RuntimeTensor> {
  const known = names.flatMap((name) => {
    const value = values[name];
    return value ? [[name, tensorOf(ort, name, value)] as const] : [];
  });
  return Object.fromEntries(known);
}

function tensorOf(ort: Runtime, name: string, { data, shape, type }: Values): RuntimeTensor {
  if (shape.includes(0)) {
    throw new NearmissError('model', `${name} is empty: its shape is [${shape.join(', ')}]`);
  }
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (size !== data.length)
    throw new BugError(`${name}: ${data.length} values for the shape [${shape.join(', ')}]`);
  return type === undefined
    ? new ort.Tensor(data as Float32Array, shape)
    : new ort.Tensor(type as 'float32', data as Float32Array, shape);
}

function valuesOf(tensor: RuntimeTensor, name: string): Values {
  const { data, dims, type } = tensor;
  if (!ArrayBuffer.isView(data)) throw new BugError(`${name} is not of numbers`);
  // Ours from here on: the runtime's buffer goes when the tensor is disposed.
  return { data: data.slice() as Numbers, shape: [...dims], type };
}
