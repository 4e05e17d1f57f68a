/**
 * Toy encoders as exporters write them: nothing folded, shapes worked out at run time, layer normalisation and GELU in
 * single steps, matrices under made-up names. One layer, eight numbers, two heads; token ids to `last_hidden_state`.
 */
import { create } from '@bufbuild/protobuf';
import { type Random, seededRandom } from '../../src/base/random';
import { encodeModel } from '../../src/engine/onnx/codec';
import { ValueInfoProtoSchema } from '../../src/engine/onnx/generated/onnx_pb';
import { graphOf } from '../../src/engine/onnx/graph';
import { DataType, makeTensor, makeValue } from '../../src/engine/onnx/model';
import { GraphWriter } from '../../src/engine/training/graphWriter';
import { emptyModel } from './gradients';

/** Families of encoders, by what their exports have of their own. */
export type Form = 'bert' | 'distilbert' | 'roberta' | 'mpnet' | 'sdpa' | 'tanhGelu';

const SIZE = 8;
const HEADS = 2;
const HEAD_SIZE = SIZE / HEADS;
const WORDS = 70;
const POSITIONS = 20;
const BUCKETS = 8;

/** The model's bytes, for an operator set. */
export function exportedForm(form: Form, opset: number): Uint8Array {
  const model = emptyModel(opset);
  const graph = graphOf(model);
  graph.proto.input = ['input_ids', 'attention_mask'].map((name) =>
    makeValue(name, DataType.INT64, ['batch', 'sequence']),
  );
  const toy = new FormWriter(new GraphWriter(graph, '/', { opset }), seededRandom(2), form);
  const states = toy.layer(toy.embeddings());
  const named = new Map([[states, 'last_hidden_state']]);
  graph.rename(named);
  graph.proto.output = [create(ValueInfoProtoSchema, { name: 'last_hidden_state' })];
  return encodeModel(model);
}

class FormWriter {
  private matrixCount = 700;

  constructor(
    private readonly f: GraphWriter,
    private readonly random: Random,
    private readonly form: Form,
  ) {}

  embeddings(): string {
    const { f } = this;
    const words = f.gather(
      this.weight('embeddings.word_embeddings.weight', [WORDS, SIZE]),
      'input_ids',
    );
    const table = this.weight('embeddings.position_embeddings.weight', [POSITIONS, SIZE]);
    const positions = f.gather(table, this.positions());
    return this.norm('embeddings.LayerNorm', f.add(words, positions));
  }

  layer(states: string): string {
    const { f } = this;
    const inner = this.norm(
      'encoder.layer.0.attention.output.LayerNorm',
      f.add(this.attention(states), states),
    );
    const wide = this.dense('encoder.layer.0.intermediate.dense', inner, 2 * SIZE);
    const narrow = this.dense('encoder.layer.0.output.dense', this.gelu(wide), SIZE, 2 * SIZE);
    return this.norm('encoder.layer.0.output.LayerNorm', f.add(narrow, inner));
  }

  /** RoBERTa counts the tokens that are no padding; the others count columns. */
  private positions(): string {
    const { f } = this;
    if (this.form === 'roberta') {
      const isWord = f.cast(
        f.op('Not', [f.op('Equal', ['input_ids', f.constant(BigInt64Array.of(1n), [])])]),
        DataType.INT64,
      );
      const counted = f.op('CumSum', [isWord, f.constant(BigInt64Array.of(1n), [])]);
      return f.add(f.mul(counted, isWord), f.constant(BigInt64Array.of(1n), []));
    }
    return f.unsqueeze(f.range(f.sizeOf('input_ids', 1)), [0]);
  }

  private attention(states: string): string {
    const { f, form } = this;
    const name = 'encoder.layer.0.attention';
    const root = f.constant(Math.sqrt(HEAD_SIZE));
    const query = this.heads(this.dense(`${name}.self.query`, states, SIZE), [0, 2, 1, 3]);
    const key = this.heads(this.dense(`${name}.self.key`, states, SIZE), [0, 2, 3, 1]);
    const value = this.heads(this.dense(`${name}.self.value`, states, SIZE), [0, 2, 1, 3]);
    const shares = f.softmax(this.masked(this.scores(query, key, root)));
    // PyTorch's own attention lets a row without any token give zeros.
    const safe = form === 'sdpa' ? f.where(f.op('IsNaN', [shares]), f.constant(0), shares) : shares;
    const mixed = f.transpose(f.matmul(safe, value), [0, 2, 1, 3]);
    const shape = f.concat([f.sizeOf(mixed, 0), f.sizeOf(mixed, 1), f.integers([SIZE])], 0);
    return this.dense(`${name}.output.dense`, f.reshape(mixed, shape), SIZE);
  }

  private scores(query: string, key: string, root: string): string {
    const { f, form } = this;
    if (form === 'distilbert') return f.matmul(f.div(query, root), key);
    if (form === 'sdpa') {
      const half = f.sqrt(f.div(f.constant(1), root));
      return f.matmul(f.mul(query, half), f.mul(key, half));
    }
    const scores = f.div(f.matmul(query, key), root);
    return form === 'mpnet' ? f.add(scores, this.relativePositions()) : scores;
  }

  private masked(scores: string): string {
    const { f, form } = this;
    if (form === 'distilbert' || form === 'sdpa') {
      const isPadding = f.op('Equal', ['attention_mask', f.constant(BigInt64Array.of(0n), [])]);
      const wide = f.cast(f.unsqueeze(f.cast(isPadding, DataType.INT64), [1, 2]), DataType.BOOL);
      const everywhere = f.expand(wide, f.shapeOf(scores));
      return f.where(everywhere, f.constant(-3.4028234663852886e38), scores);
    }
    const off = f.sub(f.constant(1), f.unsqueeze(f.toFloat('attention_mask'), [1, 2]));
    return f.add(scores, f.mul(off, f.constant(-3.4028234663852886e38)));
  }

  /** MPNet adds a learned number for each head and distance, distances in buckets that widen by logarithm. */
  private relativePositions(): string {
    const { f } = this;
    const range = f.range(f.sizeOf('input_ids', 1));
    const distance = f.sub(f.unsqueeze(range, [0]), f.unsqueeze(range, [1]));
    const isAfter = f.cast(
      f.op('Less', [distance, f.constant(BigInt64Array.of(0n), [])]),
      DataType.INT64,
    );
    const side = f.mul(isAfter, f.constant(BigInt64Array.of(BigInt(BUCKETS / 2)), []));
    const length = f.toFloat(f.abs(distance));
    const far = f.cast(f.log(f.add(length, f.constant(1))), DataType.INT64);
    const most = f.constant(BigInt64Array.of(BigInt(BUCKETS / 2 - 1)), []);
    const bucket = f.add(side, f.min(far, most));
    const table = this.weight('encoder.relative_attention_bias.weight', [BUCKETS, HEADS]);
    const bias = f.unsqueeze(f.transpose(f.gather(table, bucket), [2, 0, 1]), [0]);
    const one = f.integers([1]);
    const size = f.sizeOf('input_ids', 1);
    const shape = f.concat([f.sizeOf('input_ids', 0), one, size, size], 0);
    return f.expand(bias, shape);
  }

  private heads(states: string, perm: readonly number[]): string {
    const { f } = this;
    const shape = f.concat(
      [f.sizeOf(states, 0), f.sizeOf(states, 1), f.integers([HEADS, HEAD_SIZE])],
      0,
    );
    return f.transpose(f.reshape(states, shape), perm);
  }

  private gelu(x: string): string {
    const { f } = this;
    const one = f.constant(1);
    if (this.form === 'tanhGelu') {
      const cube = f.scale(f.op('Pow', [x, f.constant(3)]), 0.044715);
      const inner = f.tanh(f.scale(f.add(x, cube), Math.sqrt(2 / Math.PI)));
      return f.mul(f.scale(x, 0.5), f.add(one, inner));
    }
    const error = f.op('Erf', [f.div(x, f.constant(Math.SQRT2))]);
    return f.scale(f.mul(x, f.add(error, one)), 0.5);
  }

  private norm(name: string, x: string): string {
    const { f } = this;
    const centred = f.sub(x, f.reduceMean(x, [-1]));
    const variance = f.reduceMean(f.op('Pow', [centred, f.constant(2)]), [-1]);
    const normal = f.div(centred, f.sqrt(f.add(variance, f.constant(1e-5))));
    const scaled = f.mul(normal, this.weight(`${name}.weight`, [SIZE]));
    return f.add(scaled, this.weight(`${name}.bias`, [SIZE]));
  }

  private dense(name: string, x: string, to: number, from = SIZE): string {
    const matrix = this.weight(`onnx::MatMul_${this.matrixCount++}`, [from, to]);
    return this.f.add(this.weight(`${name}.bias`, [to]), this.f.matmul(x, matrix));
  }

  private weight(name: string, dims: readonly number[]): string {
    const length = dims.reduce((product, dim) => product * dim, 1);
    const data = Float32Array.from({ length }, () => 1.2 * this.random() - 0.6);
    return this.f.graph.setInitializer(makeTensor(name, data, dims));
  }
}
