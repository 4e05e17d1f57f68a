/**
 * The oracle of every loss: the worked number, central differences against the reference's gradients, and the graph
 * that training runs, in 64 and in 32 bits, against the reference.
 */
import { create } from '@bufbuild/protobuf';
import assert from 'node:assert/strict';
import { type Values, createGraphSession } from '../../src/engine/encoders/graphSession';
import { encodeModel } from '../../src/engine/onnx/codec';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  ValueInfoProtoSchema,
} from '../../src/engine/onnx/generated/onnx_pb';
import { graphOf } from '../../src/engine/onnx/graph';
import { DataType, type Model, makeValue } from '../../src/engine/onnx/model';
import { differentiate } from '../../src/engine/training/autodiff';
import { type FloatType, GraphWriter } from '../../src/engine/training/graphWriter';
import { type Matrix, matrixOf, zeros } from '../../src/engine/training/losses/matrix';
import { inferTypes } from '../../src/engine/training/shapes';

/** Numbers of training-methods.md are given to six digits. */
const WORKED = 1e-6;

/** Step and bound of central differences in 64 bits. */
const STEP = 1e-6;
const DIFFERENCE_BOUND = 1e-7;

/** A graph in 64 bits does the reference's arithmetic in another order. */
const DOUBLE_BOUND = 1e-9;

/** A graph in 32 bits has seven digits. */
const FLOAT_BOUND = 3e-6;

export type Matrices = Readonly<Record<string, Matrix>>;

export interface CheckedLoss {
  readonly value: number;
  /** One of the shape of each input. */
  readonly gradients: Matrices;
}

export interface LossCase<Inputs extends Matrices, Feeds extends Matrices> {
  /** What the loss is differentiated by. */
  readonly inputs: Inputs;
  reference(inputs: Inputs): CheckedLoss;
  /** Writes the graph's form; returns the scalar. Names of inputs and feeds are their keys. */
  write(writer: GraphWriter, names: Readonly<Record<keyof Inputs | keyof Feeds, string>>): string;
  /** What the graph reads beside the inputs. */
  readonly feeds?: Feeds;
  /** Worked numbers. */
  readonly value?: number;
  readonly gradients?: { readonly [Name in keyof Inputs]?: readonly (readonly number[])[] };
  /** The reference for differences where the loss stops a gradient: the frozen parts as numbers. */
  frozen?(inputs: Inputs): number;
  /** False where the loss makes choices that jump, so that central differences say nothing. */
  readonly isSmooth?: boolean;
  /** Inputs whose gradient is zero on purpose. */
  readonly unused?: readonly (keyof Inputs)[];
}

/** Checks a loss in all its forms. Returns the reference's loss. */
export async function checkLoss<Inputs extends Matrices, Feeds extends Matrices = Inputs>(
  loss: LossCase<Inputs, Feeds>,
): Promise<CheckedLoss> {
  const reference = loss.reference(loss.inputs);
  if (loss.value !== undefined) assertNear([reference.value], [loss.value], WORKED, 'value');
  for (const [name, rows] of Object.entries(loss.gradients ?? {}))
    assertNear(reference.gradients[name]!.data, matrixOf(rows!).data, WORKED, `worked ${name}`);
  if (loss.isSmooth ?? true) checkDifferences(loss, reference);
  for (const floatType of [DataType.DOUBLE, DataType.FLOAT] as const) {
    const bound = floatType === DataType.DOUBLE ? DOUBLE_BOUND : FLOAT_BOUND;
    const graph = await runGraph<Inputs, Feeds>(loss, floatType);
    assertNear([graph.value], [reference.value], bound * Math.max(1, reference.value), 'graph');
    for (const name of Object.keys(loss.inputs)) {
      const { data } = reference.gradients[name]!;
      const size = Math.max(1, ...data.map(Math.abs));
      assertNear(graph.gradients[name]!.data, data, bound * size, `graph's gradient of ${name}`);
    }
  }
  return reference;
}

/** Asserts that numbers agree, each within the bound. */
export function assertNear(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  bound: number = WORKED,
  label = '',
): void {
  assert.equal(actual.length, expected.length, label);
  for (let i = 0; i < expected.length; i++) {
    const apart = Math.abs(actual[i]! - expected[i]!);
    // Not ">": NaN must fail.
    if (!(apart <= bound))
      assert.fail(`${label} [${i}]: ${actual[i]} is not ${expected[i]} within ${bound}`);
  }
}

/** A list as a matrix of one column. */
export function columnOf(values: ArrayLike<number>): Matrix {
  return matrixOf(Array.from(values, (value) => [value]));
}

function checkDifferences<Inputs extends Matrices, Feeds extends Matrices>(
  loss: LossCase<Inputs, Feeds>,
  { gradients }: CheckedLoss,
): void {
  const valueOf = (inputs: Inputs): number =>
    loss.frozen ? loss.frozen(inputs) : loss.reference(inputs).value;
  for (const name of Object.keys(loss.inputs)) {
    const { data } = gradients[name]!;
    assertNear(data, differences(valueOf, loss.inputs, name).data, DIFFERENCE_BOUND, name);
    const isZero = data.every((g) => g === 0);
    assert.equal(isZero, loss.unused?.includes(name) ?? false, `gradient of ${name} is zero`);
  }
}

/** The gradient of an input by central differences. */
function differences<Inputs extends Matrices>(
  valueOf: (inputs: Inputs) => number,
  inputs: Inputs,
  name: keyof Inputs,
): Matrix {
  const input = inputs[name]!;
  const out = zeros(input.rows, input.columns);
  const at = (index: number, change: number): number => {
    const data = Float64Array.from(input.data);
    data[index]! += change;
    return valueOf({ ...inputs, [name]: { ...input, data } });
  };
  for (let i = 0; i < out.data.length; i++) out.data[i] = (at(i, STEP) - at(i, -STEP)) / (2 * STEP);
  return out;
}

/** Value and gradients of the written form. */
export async function runGraph<Inputs extends Matrices, Feeds extends Matrices>(
  loss: Pick<LossCase<Inputs, Feeds>, 'inputs' | 'feeds' | 'write'>,
  floatType: FloatType,
  provider = 'cpu',
): Promise<CheckedLoss> {
  const given: Matrices = { ...loss.inputs, ...loss.feeds };
  const sources = Object.keys(loss.inputs);
  const model = emptyModel(given, floatType);
  const graph = graphOf(model);
  const value = loss.write(new GraphWriter(graph, 'loss/', { floatType }), namesOf(given));
  const types = await inferTypes(model);
  const gradients = differentiate(graph, value, sources, { types, floatType });
  const outputs = [value, ...gradients.values()];
  const results = await runModel(model, given, outputs, { floatType, provider });
  return {
    value: results[value]![0]!,
    gradients: Object.fromEntries(
      sources.map((name) => {
        const { rows, columns } = given[name]!;
        const data = results[gradients.get(name) ?? ''] ?? new Float64Array(rows * columns);
        return [name, { rows, columns, data }];
      }),
    ),
  };
}

/** Writes a graph, runs it in 64 bits, and returns its outputs by the keys of what `write` returned. */
export async function runOutputs<Inputs extends Matrices>(
  inputs: Inputs,
  write: (writer: GraphWriter, names: Readonly<Record<keyof Inputs, string>>) => object,
): Promise<Record<string, Float64Array | undefined>> {
  const floatType = DataType.DOUBLE;
  const model = emptyModel(inputs, floatType);
  const writer = new GraphWriter(graphOf(model), 'graph/', { floatType });
  const outputs = Object.entries(write(writer, namesOf(inputs)) as Record<string, string>);
  const results = await runModel(
    model,
    inputs,
    outputs.map(([, name]) => name),
    { floatType },
  );
  return Object.fromEntries(outputs.map(([key, name]) => [key, results[name]]));
}

/** How many nodes a loss writes. */
export function countNodes(
  inputs: Matrices,
  write: (writer: GraphWriter, names: Readonly<Record<string, string>>) => string,
): number {
  const graph = graphOf(emptyModel(inputs, DataType.FLOAT));
  write(new GraphWriter(graph, 'graph/'), namesOf(inputs));
  return graph.nodes.length;
}

function namesOf<Name extends PropertyKey>(given: Matrices): Readonly<Record<Name, string>> {
  const names = Object.fromEntries(Object.keys(given).map((name) => [name, name]));
  return names as Record<Name, string>;
}

async function runModel(
  model: Model,
  inputs: Matrices,
  outputs: readonly string[],
  { floatType, provider }: { readonly floatType: FloatType; readonly provider?: string },
): Promise<Record<string, Float64Array>> {
  const graph = graphOf(model);
  graph.proto.output = outputs.map((name) => create(ValueInfoProtoSchema, { name }));
  graph.sort();
  graph.check();
  const session = await createGraphSession(encodeModel(model), { provider });
  try {
    const feeds = Object.entries(inputs).map(([name, { rows, columns, data }]) => {
      const numbers = floatType === DataType.DOUBLE ? data : Float32Array.from(data);
      return [name, { data: numbers, shape: [rows, columns] } satisfies Values] as const;
    });
    const results = Object.entries(await session.run(Object.fromEntries(feeds)));
    return Object.fromEntries(
      results.map(([name, { data }]) => [name, Float64Array.from(data as Float32Array)]),
    );
  } finally {
    session.dispose();
  }
}

function emptyModel(inputs: Matrices, floatType: DataType): Model {
  const graph = create(GraphProtoSchema, {
    name: 'loss',
    input: Object.entries(inputs).map(([name, { rows, columns }]) =>
      makeValue(name, floatType, [rows, columns]),
    ),
  });
  const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })];
  return create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph });
}
