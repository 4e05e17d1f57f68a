/**
 * A checkpoint in the hub's layout that is as small as one can be and still is BERT: a few layers of a few
 * numbers, seeded weights, a vocabulary of letters and some words. It embeds anything in a millisecond.
 */
import { create } from '@bufbuild/protobuf';
import * as path from 'node:path';
import { type Random, seededRandom } from '../../src/base/random';
import { encodeModel } from '../../src/engine/onnx/codec';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  ValueInfoProtoSchema,
} from '../../src/engine/onnx/generated/onnx_pb';
import {
  type AttributeValue,
  DataType,
  type Model,
  type Value,
  float,
  makeNode,
  makeTensor,
} from '../../src/engine/onnx/model';
import { writeFiles } from './temporaryFolder';

/** What a test may want to be different. */
export interface ToyOptions {
  readonly layerCount?: number;
  readonly hiddenSize?: number;
  readonly seed?: number;
  readonly kind?: 'bi-encoder' | 'cross-encoder';
  /** For faults on purpose: changes the model before it is written. */
  readonly change?: (model: Model) => void;
}

const HEAD_COUNT = 2;
const POSITION_COUNT = 512;

/** Writes the files of a toy checkpoint below the folder, which need not exist; returns the folder. */
export function writeToyCheckpoint(folder: string, options: ToyOptions = {}): string {
  const { hiddenSize = 8, layerCount = 2, kind = 'bi-encoder' } = options;
  const isCross = kind === 'cross-encoder';
  const config = {
    model_type: 'bert',
    architectures: [isCross ? 'BertForSequenceClassification' : 'BertModel'],
    hidden_size: hiddenSize,
    num_hidden_layers: layerCount,
    num_attention_heads: HEAD_COUNT,
    intermediate_size: 2 * hiddenSize,
    max_position_embeddings: POSITION_COUNT,
    vocab_size: TOKENS.length,
    type_vocab_size: 2,
    pad_token_id: 0,
  };
  const model = toyModel(options);
  options.change?.(model);
  writeFiles(folder, {
    'config.json': JSON.stringify(config),
    'tokenizer.json': JSON.stringify(toyTokenizer()),
    'onnx/model.onnx': Buffer.from(encodeModel(model)),
    ...(isCross ? {} : { '1_Pooling/config.json': '{"pooling_mode_mean_tokens":true}' }),
  });
  return path.resolve(folder);
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('');
const WORDS = ['the', 'of', 'to', 'in', 'function', 'return', 'const', 'class', 'file', 'read'];
const TOKENS: readonly string[] = [
  ...['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'],
  ...'!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'.split(''),
  ...LETTERS,
  ...LETTERS.map((letter) => `##${letter}`),
  ...WORDS,
];

/** The content of a `tokenizer.json`: WordPiece over letters and a few words. */
function toyTokenizer(): object {
  const vocab = Object.fromEntries(TOKENS.map((token, id) => [token, id]));
  const special = (content: string): object => ({ id: vocab[content], content, special: true });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: TOKENS.slice(0, 5).map(special),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'BertProcessing',
      cls: ['[CLS]', vocab['[CLS]']],
      sep: ['[SEP]', vocab['[SEP]']],
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab,
    },
  };
}

/** The graph alone: ids, mask and types `[batch, sequence]` to `last_hidden_state` or, for pairs, `logits`. */
function toyModel(options: ToyOptions = {}): Model {
  const { hiddenSize = 8, layerCount = 2, seed = 1, kind = 'bi-encoder' } = options;
  const build = new ToyBuilder(hiddenSize, seededRandom(seed));
  let states = build.embeddings();
  const mask = build.attentionMask();
  for (let layer = 0; layer < layerCount; layer++)
    states = build.layer(`layer.${layer}`, states, mask);
  const integers = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
    value(name, DataType.INT64, ['batch', 'sequence']),
  );
  if (kind === 'bi-encoder') {
    build.rename(states, 'last_hidden_state');
    const output = value('last_hidden_state', DataType.FLOAT, ['batch', 'sequence', hiddenSize]);
    return build.model(integers, output);
  }
  build.rename(build.classifier(states), 'logits');
  return build.model(integers, value('logits', DataType.FLOAT, ['batch', 1]));
}

function value(name: string, elemType: DataType, dims: readonly (string | number)[]): Value {
  const dim = dims.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof size === 'number'
          ? { case: 'dimValue', value: BigInt(size) }
          : { case: 'dimParam', value: size },
    }),
  );
  const shape = create(TensorShapeProtoSchema, { dim });
  const tensorType = create(TypeProto_TensorSchema, { elemType, shape });
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } });
  return create(ValueInfoProtoSchema, { name, type });
}

class ToyBuilder {
  private readonly graph = create(GraphProtoSchema, { name: 'toy' });
  private count = 0;

  constructor(
    private readonly size: number,
    private readonly random: Random,
  ) {}

  model(input: Value[], output: Value): Model {
    this.graph.input.push(...input);
    this.graph.output.push(output);
    const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })];
    return create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph: this.graph });
  }

  rename(from: string, to: string): void {
    this.graph.node.push(makeNode({ op: 'Identity', inputs: [from], outputs: [to] }));
  }

  embeddings(): string {
    const ids = this.add('Gather', [this.weight('word', [TOKENS.length, this.size]), 'input_ids']);
    const types = this.add('Gather', [this.weight('type', [2, this.size]), 'token_type_ids']);
    const length = this.add('Gather', [this.add('Shape', ['input_ids']), this.integers([1], [])]);
    const range = this.add('Range', [this.integers([0], []), length, this.integers([1], [])]);
    const position = this.weight('position', [POSITION_COUNT, this.size]);
    const positions = this.add('Gather', [position, range]);
    return this.norm('embeddings', this.add('Add', [this.add('Add', [ids, types]), positions]));
  }

  /** 0 where a token counts, a large negative number where it is padding: `[batch, 1, 1, sequence]`. */
  attentionMask(): string {
    const floats = this.add('Cast', ['attention_mask'], { to: DataType.FLOAT });
    const wide = this.add('Unsqueeze', [floats, this.integers([1, 2])]);
    const off = this.add('Sub', [this.scalar(1), wide]);
    return this.add('Mul', [off, this.scalar(-10_000)]);
  }

  layer(name: string, states: string, mask: string): string {
    const attended = this.attention(`${name}.attention`, states, mask);
    const inner = this.norm(`${name}.attention`, this.add('Add', [states, attended]));
    const wide = this.dense(`${name}.intermediate`, inner, 2 * this.size);
    const narrow = this.dense(`${name}.output`, this.gelu(wide), this.size, 2 * this.size);
    return this.norm(`${name}.output`, this.add('Add', [inner, narrow]));
  }

  classifier(states: string): string {
    const first = this.add('Gather', [states, this.integers([0], [])], { axis: 1 });
    return this.dense('classifier', this.add('Tanh', [first]), 1);
  }

  private attention(name: string, states: string, mask: string): string {
    const headSize = this.size / HEAD_COUNT;
    const split = (part: string, perm: readonly number[]): string => {
      const flat = this.dense(`${name}.${part}`, states, this.size);
      const shape = this.integers([0, 0, HEAD_COUNT, headSize]);
      return this.add('Transpose', [this.add('Reshape', [flat, shape])], { perm });
    };
    const query = split('query', [0, 2, 1, 3]);
    const key = split('key', [0, 2, 3, 1]);
    const product = this.add('MatMul', [query, key]);
    const scaled = this.add('Mul', [product, this.scalar(1 / Math.sqrt(headSize))]);
    const shares = this.add('Softmax', [this.add('Add', [scaled, mask])], { axis: -1 });
    const mixed = this.add('MatMul', [shares, split('value', [0, 2, 1, 3])]);
    const joined = this.add('Transpose', [mixed], { perm: [0, 2, 1, 3] });
    const shape = this.integers([0, 0, this.size]);
    return this.dense(`${name}.out`, this.add('Reshape', [joined, shape]), this.size);
  }

  private gelu(input: string): string {
    const error = this.add('Erf', [this.add('Div', [input, this.scalar(Math.SQRT2)])]);
    const half = this.add('Mul', [input, this.scalar(0.5)]);
    return this.add('Mul', [half, this.add('Add', [error, this.scalar(1)])]);
  }

  private dense(name: string, input: string, to: number, from = this.size): string {
    const product = this.add('MatMul', [input, this.weight(`${name}.weight`, [from, to])]);
    return this.add('Add', [product, this.weight(`${name}.bias`, [to])]);
  }

  private norm(name: string, input: string): string {
    const ones = makeTensor(`${name}.norm.scale`, new Float32Array(this.size).fill(1), [this.size]);
    this.graph.initializer.push(ones);
    const bias = this.weight(`${name}.norm.bias`, [this.size]);
    const attributes = { axis: -1, epsilon: float(1e-12) };
    return this.add('LayerNormalization', [input, ones.name, bias], attributes);
  }

  private weight(name: string, dims: readonly number[]): string {
    const size = dims.reduce((product, dim) => product * dim, 1);
    const data = Float32Array.from({ length: size }, () => this.random() - 0.5);
    this.graph.initializer.push(makeTensor(name, data, dims));
    return name;
  }

  private scalar(number: number): string {
    const name = `constant.${this.count++}`;
    this.graph.initializer.push(makeTensor(name, Float32Array.of(number)));
    return name;
  }

  private integers(numbers: readonly number[], dims: readonly number[] = [numbers.length]): string {
    const name = `constant.${this.count++}`;
    const data = BigInt64Array.from(numbers, BigInt);
    this.graph.initializer.push(makeTensor(name, data, dims));
    return name;
  }

  private add(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    const output = `${op}.${this.count++}`;
    this.graph.node.push(makeNode({ op, inputs, outputs: [output], attributes }));
    return output;
  }
}
