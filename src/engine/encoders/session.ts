/**
 * One ONNX Runtime session: created from bytes, run with int64 inputs, released. The runtime is loaded when the
 * first session is made, after its report home was switched off, and nothing above this file sees a tensor of it.
 */
import type * as Ort from 'onnxruntime-node';
import { NearmissError, messageOf } from '../../base/errors';
import type { Disposable } from '../../base/lifecycle';

/** The runtime and its tensors, for a thread that loads it itself. */
export type Runtime = typeof Ort;
export type RuntimeTensor = Ort.Tensor;

/** Settings of a session that callers decide. */
export interface SessionOptions {
  /** Execution provider by ONNX Runtime's name; "cpu" is always there as the last resort. */
  readonly provider?: string;
  readonly threads?: number;
  /** Entries of the `extra` table, by dotted name ("session.disable_quant_qdq"); they win over ours. */
  readonly extra?: Readonly<Record<string, string>>;
  /** Optimisers of ONNX Runtime to leave out. */
  readonly disabledOptimizers?: readonly string[];
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
}

/** An input, row by row: whole numbers as int64, floats as float32. */
export interface SessionInput {
  readonly data: BigInt64Array | Float32Array;
  readonly shape: readonly number[];
}

/** One output, copied out of the runtime. */
export interface SessionOutput {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** A model ready to run. A run occupies the calling thread until it is done, unless the session has lanes. */
export interface Session extends Disposable {
  /** How many runs go on at the same time, each on a thread of its own; 1 when left out. */
  readonly laneCount?: number;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs the model and returns the named output. Inputs that the model does not have are left out. */
  run(inputs: Readonly<Record<string, SessionInput>>, output: string): Promise<SessionOutput>;
}

/** On a busy machine spinning makes two threads slower than one; small blocks share uneven cores better. */
const EXTRA_DEFAULTS: Readonly<Record<string, string>> = {
  'session.intra_op.allow_spinning': '0',
  'session.dynamic_block_base': '4',
  'session.disable_quant_qdq': '1',
};

/** Fusions that are slower on CPU than the plain graph. */
const SLOWER_FUSIONS: readonly string[] = [
  'AttentionFusion',
  'SkipLayerNormFusion',
  'EmbedLayerNormFusion',
];

const SEVERITY_FATAL = 4;

/** Makes a session. Throws a NearmissError: 'model' for bytes that are no usable model, 'provider' otherwise. */
export async function createSession(
  model: Uint8Array,
  options: SessionOptions = {},
): Promise<Session> {
  const ort = loadRuntime();
  try {
    return wrap(ort, await ort.InferenceSession.create(model, runtimeOptions(options)));
  } catch (error) {
    throw startError(options.provider ?? 'cpu', error);
  }
}

/** The error for a session that does not start, on a provider. */
export function startError(provider: string, error: unknown): NearmissError {
  const [code, message] =
    provider === 'cpu'
      ? (['model', `The model cannot be loaded: ${firstLine(error)}`] as const)
      : (['provider', `The provider ${provider} does not start: ${firstLine(error)}`] as const);
  return new NearmissError(code, message, adviceFor(code), { cause: error });
}

/**
 * The runtime, loaded now at the latest. From 1.29 on it sends telemetry on Linux and macOS unless told
 * otherwise before it loads.
 */
export function loadRuntime(): typeof Ort {
  muteRuntime();
  // oxlint-disable-next-line typescript/no-require-imports -- an import would load it before the line above
  return require('onnxruntime-node') as typeof Ort;
}

/** Where the runtime lies, for a thread that must load it by its path; its report home is switched off. */
export function runtimePath(): string {
  muteRuntime();
  return require.resolve('onnxruntime-node');
}

function muteRuntime(): void {
  process.env.ORT_DISABLE_TELEMETRY = '1';
}

/** Our settings in the form that the runtime reads. */
export function runtimeOptions(options: SessionOptions): Ort.InferenceSession.SessionOptions {
  const provider = options.provider ?? 'cpu';
  const disabled = [...SLOWER_FUSIONS, ...(options.disabledOptimizers ?? [])];
  const extra = {
    ...EXTRA_DEFAULTS,
    'optimization.disable_specified_optimizers': disabled.join(';'),
    ...options.extra,
  };
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    intraOpNumThreads: options.threads ?? 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: options.optimization ?? 'all',
    enableMemPattern: false,
    enableCpuMemArena: true,
    logSeverityLevel: SEVERITY_FATAL,
    extra: nest(extra),
  };
}

/** "a.b.c": "1" as { a: { b: { c: "1" } } }, the form that the Node binding reads. */
function nest(entries: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(entries)) {
    const parts = name.split('.');
    let at = root;
    for (const part of parts.slice(0, -1)) at = (at[part] ??= {}) as Record<string, unknown>;
    at[parts.at(-1)!] = value;
  }
  return root;
}

function wrap(ort: typeof Ort, session: Ort.InferenceSession): Session {
  let isReleased = false;
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(inputs, output) {
      const feeds: Record<string, Ort.Tensor> = {};
      let results: Ort.InferenceSession.OnnxValueMapType | undefined;
      try {
        for (const [name, { data, shape }] of Object.entries(inputs)) {
          if (session.inputNames.includes(name)) feeds[name] = new ort.Tensor(data, shape);
        }
        results = await session.run(feeds, [output]);
        return copyOut(results[output], output);
      } finally {
        for (const tensor of [...Object.values(feeds), ...Object.values(results ?? {})]) {
          tensor.dispose();
        }
      }
    },
    dispose() {
      if (isReleased) return;
      isReleased = true;
      void session.release();
    },
  };
}

function copyOut(value: Ort.OnnxValue | undefined, name: string): SessionOutput {
  if (!(value?.data instanceof Float32Array)) {
    throw new NearmissError('model', `The model's output ${name} is not of 32-bit floats`);
  }
  // Ours from here on: the runtime's buffer goes when the tensor is disposed.
  return { data: Float32Array.from(value.data), shape: [...value.dims] };
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0]!.slice(0, 300);
}

function adviceFor(code: 'model' | 'provider'): string {
  return code === 'model'
    ? 'Fetch the model again, or remove it with "nearmiss models"'
    : 'Set provider to "cpu" to go on without it';
}
