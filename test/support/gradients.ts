/**
 * Gradients against central differences. A case is a piece of graph and the shapes of its inputs; its output, weighted
 * by fixed numbers and summed, is the loss. In 64-bit each partial derivative is compared to 1e-6.
 */
import assert from 'node:assert/strict';
import { create } from '@bufbuild/protobuf';
import { seededRandom } from '../../src/base/random';
import {
  type GraphSession,
  type Values,
  createGraphSession,
} from '../../src/engine/encoders/graphSession';
import { encodeModel } from '../../src/engine/onnx/codec';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  ValueInfoProtoSchema,
} from '../../src/engine/onnx/generated/onnx_pb';
import { Graph } from '../../src/engine/onnx/graph';
import { DataType, type Model, makeValue } from '../../src/engine/onnx/model';
import { differentiate } from '../../src/engine/training/autodiff';
import { type FloatType, GraphWriter } from '../../src/engine/training/graphWriter';
import { inferTypes } from '../../src/engine/training/shapes';

/** A differentiable piece of graph. */
export interface GradientCase {
  /** Shapes of the inputs, which are called a, b, c, ... */
  readonly inputs: readonly (readonly number[])[];
  /** Writes the piece and returns its output. */
  readonly write: (write: GraphWriter, ...inputs: string[]) => string;
  /** Where inputs are drawn from, [-1, 1] if left out; for functions with a domain. */
  readonly range?: readonly [number, number];
  readonly opset?: number;
  /** Off for rules that need shapes: the check without shapes is then left out. */
  readonly needsShapes?: boolean;
  /** 32 bits for operators of which ONNX Runtime has no 64-bit kernel. */
  readonly floatType?: FloatType;
  /** How far a gradient in 64-bit may be off, 1e-7 if left out. */
  readonly tolerance?: number;
}

export function emptyModel(opset = 17): Model {
  const domains = [
    { domain: '', version: BigInt(opset) },
    { domain: 'com.microsoft', version: 1n },
  ];
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: domains.map((domain) => create(OperatorSetIdProtoSchema, domain)),
    graph: create(GraphProtoSchema, { name: 'case' }),
  });
}

/** Fails unless each input's gradient is what differences say, with shapes known beforehand and without. */
export async function checkGradients(given: GradientCase): Promise<void> {
  await checkWith(given, 'known');
  if (!given.needsShapes) await checkWith(given, 'unknown');
}

async function checkWith(given: GradientCase, shapes: 'known' | 'unknown'): Promise<void> {
  const { floatType = DataType.DOUBLE, opset = 17 } = given;
  const model = emptyModel(opset);
  const graph = new Graph(model.graph!);
  const names = given.inputs.map((_, index) => String.fromCharCode(97 + index));
  graph.proto.input = names.map((name, index) => makeValue(name, floatType, given.inputs[index]!));
  const write = new GraphWriter(graph, 'case/', { opset, floatType });
  const loss = await weightedSum(model, write, given.write(write, ...names));
  const types = shapes === 'known' ? await inferTypes(model) : undefined;
  const gradients = differentiate(graph, loss, names, { opset, floatType, types });
  assert.deepEqual([...gradients.keys()].sort(), names, 'every input has a gradient');
  setOutputs(graph, [loss, ...gradients.values()]);
  graph.check();
  const session = await createGraphSession(encodeModel(model), { optimization: 'disabled' });
  try {
    const inputs = sampleInputs(given, names, floatType);
    const run = lossAndGradients(session, loss, gradients);
    await (floatType === DataType.DOUBLE
      ? checkEach(run, inputs, given.tolerance)
      : checkDirection(run, inputs));
  } finally {
    session.dispose();
  }
}

/** The sum of all numbers of a value, each times a fixed number of its own: no symmetry hides a wrong gradient. */
async function weightedSum(model: Model, write: GraphWriter, output: string): Promise<string> {
  setOutputs(write.graph, [output]);
  const shape = (await inferTypes(model)).get(output)!.dims.map(Number);
  const random = seededRandom(11);
  const weights = Float64Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1);
  const data = write.floatType === DataType.DOUBLE ? weights : Float32Array.from(weights);
  return write.reduceSum(write.mul(output, write.constant(data, shape)));
}

export function setOutputs(graph: Graph, names: readonly string[]): void {
  graph.proto.output = names.map((name) => create(ValueInfoProtoSchema, { name }));
}

type Floats = Float32Array | Float64Array;
type Inputs = Readonly<Record<string, Values<Floats>>>;

interface Point {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Floats>;
}
type Run = (inputs: Inputs) => Promise<Point>;

function lossAndGradients(
  session: GraphSession,
  loss: string,
  gradients: ReadonlyMap<string, string>,
): Run {
  return async (inputs) => {
    const values = await session.run(inputs);
    const entries = [...gradients].map(([name, gradient]) => {
      assert.deepEqual(values[gradient]!.shape, inputs[name]!.shape, `shape of ${name}'s gradient`);
      return [name, values[gradient]!.data as Floats] as const;
    });
    return { loss: Number(values[loss]!.data[0]), gradients: new Map(entries) };
  };
}

function sampleInputs(given: GradientCase, names: readonly string[], floatType: FloatType): Inputs {
  const [low, high] = given.range ?? [-1, 1];
  const random = seededRandom(7);
  const entries = names.map((name, index) => {
    const shape = given.inputs[index]!;
    const numbers = Float64Array.from(
      { length: sizeOf(shape) },
      () => low + (high - low) * random(),
    );
    const data = floatType === DataType.DOUBLE ? numbers : Float32Array.from(numbers);
    return [name, { data, shape }] as const;
  });
  return Object.fromEntries(entries);
}

/** In 64-bit: every partial derivative by itself. */
async function checkEach(run: Run, inputs: Inputs, tolerance = 1e-7): Promise<void> {
  const step = 1e-5;
  const { gradients } = await run(inputs);
  for (const [name, { data, shape }] of Object.entries(inputs)) {
    for (let index = 0; index < data.length; index++) {
      const lossAt = async (offset: number): Promise<number> => {
        const moved = Float64Array.from(data);
        moved[index]! += offset;
        return (await run({ ...inputs, [name]: { data: moved, shape } })).loss;
      };
      const expected = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
      const actual = gradients.get(name)![index]!;
      const isNear = Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected));
      assert.ok(isNear, `gradient of ${name}[${index}] is ${actual}, differences say ${expected}`);
    }
  }
}

/** In 32-bit: the slope along some directions, from two distances, so that the error of the distance falls out. */
async function checkDirection(run: Run, inputs: Inputs): Promise<void> {
  const { gradients } = await run(inputs);
  for (let seed = 0; seed < 4; seed++) {
    const random = seededRandom(seed);
    const direction = Object.fromEntries(
      Object.entries(inputs).map(([name, { data }]) => [name, data.map(() => 2 * random() - 1)]),
    );
    const lossAt = async (distance: number): Promise<number> => {
      const moved = Object.entries(inputs).map(([name, { data, shape }]) => {
        const along = direction[name]!;
        return [name, { data: data.map((x, i) => x + distance * along[i]!), shape }] as const;
      });
      return (await run(Object.fromEntries(moved))).loss;
    };
    const slope = async (h: number): Promise<number> =>
      ((await lossAt(h)) - (await lossAt(-h))) / (2 * h);
    const expected = (4 * (await slope(0.02)) - (await slope(0.04))) / 3;
    let actual = 0;
    for (const [name, along] of Object.entries(direction))
      along.forEach((x, index) => (actual += x * gradients.get(name)![index]!));
    const isNear = Math.abs(actual - expected) <= 2e-4 * Math.max(1, Math.abs(expected));
    assert.ok(isNear, `slope ${actual}, differences say ${expected}`);
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
