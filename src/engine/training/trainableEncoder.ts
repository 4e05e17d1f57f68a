/**
 * An encoder that learns. It embeds a batch chunk by chunk; the loss is worked out over the whole batch; then each chunk
 * is embedded again with its part of the gradient put in, and adds to the gradients of the weights. Memory is needed for
 * one chunk alone. Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup" (2021).
 */
import { BugError } from '../../base/errors';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import { type GraphSession, type Values, createGraphSession } from '../encoders/graphSession';
import type { SessionOptions } from '../encoders/session';
import {
  ENCODED,
  ENCODED_GRADIENT,
  type EncoderGraphOptions,
  type EncoderGraphs,
  LOSS,
  buildEncoderGraphs,
  sumNames,
} from './encoderGraphs';
import type { DropoutMask } from './surgery';

/** What goes into one run beside the weights: ids, attention mask, types, dropout masks, inputs of the loss. */
export type ChunkInputs = Readonly<Record<string, Values>>;

/** A weight in training. The array is the model's own: what is written there holds from the next run on. */
export interface TrainedWeight {
  readonly data: Float32Array;
  readonly dims: readonly number[];
  /** False for biases and scales, which are not pulled to zero. */
  readonly isDecayed: boolean;
}

/** Gradients by weight, added to by every chunk. */
export type GradientSums = ReadonlyMap<string, Float32Array>;

export interface TrainableEncoder extends Disposable {
  readonly weights: ReadonlyMap<string, TrainedWeight>;
  /** Dropout masks to feed in every run; none without dropout. */
  readonly masks: readonly DropoutMask[];
  /** Embeddings of norm 1, or scores, a row a text. */
  encode(chunk: ChunkInputs): Promise<Float32Array>;
  /** Adds what follows from the gradient of the chunk's embeddings. */
  addGradients(chunk: ChunkInputs, gradient: Float32Array, sums: GradientSums): Promise<void>;
  /** The loss of a batch that is one chunk; adds its gradients. Only where a loss was given. */
  step(chunk: ChunkInputs, sums: GradientSums): Promise<number>;
  /** New sums, all zero. */
  zeroSums(): Map<string, Float32Array>;
}

/** Where the graphs run. */
export type TrainingPlace = Pick<SessionOptions, 'provider' | 'threads'>;

export async function openTrainableEncoder(
  bytes: Uint8Array,
  options: EncoderGraphOptions & TrainingPlace,
): Promise<TrainableEncoder> {
  return openEncoderGraphs(await buildEncoderGraphs(bytes, options), options);
}

/** Opens graphs that are built already. All encoders opened from the same graphs share one set of weights. */
export async function openEncoderGraphs(
  graphs: EncoderGraphs,
  options: TrainingPlace,
): Promise<TrainableEncoder> {
  const sessions = new DisposableStore();
  const open = async (graph: Uint8Array): Promise<GraphSession> =>
    sessions.add(await createGraphSession(graph, options));
  try {
    const embed = await open(graphs.embed);
    const gradient = await open(graphs.gradient);
    const step = graphs.step && (await open(graphs.step));
    return new Trainable(graphs, { embed, gradient, step }, sessions);
  } catch (error) {
    sessions.dispose();
    throw error;
  }
}

interface Sessions {
  readonly embed: GraphSession;
  readonly gradient: GraphSession;
  readonly step: GraphSession | undefined;
}

class Trainable implements TrainableEncoder {
  readonly weights: ReadonlyMap<string, TrainedWeight>;
  readonly masks: readonly DropoutMask[];
  private readonly fed: Readonly<Record<string, Values>>;

  constructor(
    graphs: EncoderGraphs,
    private readonly sessions: Sessions,
    private readonly owned: Disposable,
  ) {
    this.masks = graphs.masks;
    const trained = new Set(graphs.trained.map(({ name }) => name));
    this.weights = new Map(
      graphs.fed
        .filter(({ name }) => trained.has(name))
        .map(({ name, data, dims, kind }) => [name, { data, dims, isDecayed: kind !== 'vector' }]),
    );
    this.fed = Object.fromEntries(
      graphs.fed.map(({ name, data, dims }) => [name, { data, shape: dims }]),
    );
  }

  async encode(chunk: ChunkInputs): Promise<Float32Array> {
    const outputs = await this.sessions.embed.run({ ...this.fed, ...chunk });
    return outputs[ENCODED]!.data as Float32Array;
  }

  async addGradients(
    chunk: ChunkInputs,
    gradient: Float32Array,
    sums: GradientSums,
  ): Promise<void> {
    const rows = chunk.input_ids!.shape[0]!;
    const seed = { data: gradient, shape: [rows, gradient.length / rows] };
    await this.addTo(this.sessions.gradient, { ...chunk, [ENCODED_GRADIENT]: seed }, sums);
  }

  async step(chunk: ChunkInputs, sums: GradientSums): Promise<number> {
    if (!this.sessions.step) throw new BugError('The encoder was opened without a loss');
    const outputs = await this.addTo(this.sessions.step, chunk, sums);
    return Number(outputs[LOSS]!.data[0]);
  }

  zeroSums(): Map<string, Float32Array> {
    return new Map(
      [...this.weights].map(([name, { data }]) => [name, new Float32Array(data.length)]),
    );
  }

  dispose(): void {
    this.owned.dispose();
  }

  /** Each sum is read and written in place: the one node that reads it is the one that writes it. */
  private addTo(
    session: GraphSession,
    chunk: ChunkInputs,
    sums: GradientSums,
  ): Promise<Record<string, Values>> {
    const inputs: Record<string, Values> = { ...this.fed, ...chunk };
    const into: Record<string, Values> = {};
    for (const [name, data] of sums) {
      const value = { data, shape: this.weights.get(name)!.dims };
      const { input, output } = sumNames(name);
      inputs[input] = value;
      into[output] = value;
    }
    return session.run(inputs, session.outputNames, into);
  }
}
