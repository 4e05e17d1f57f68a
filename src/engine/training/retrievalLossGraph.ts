/**
 * The loss of a retrieval step as training runs it: the graph of `retrievalGraph.ts`, differentiated, in 64 bits, with
 * open sizes. One graph for each set of parts that a batch has; the encodings go in and their gradients come out.
 */
import { create } from '@bufbuild/protobuf';
import type { Random } from '../../base/random';
import { type Disposable, DisposableStore } from '../../base/lifecycle';
import { type GraphSession, type Values, createGraphSession } from '../encoders/graphSession';
import { encodeModel } from '../onnx/codec';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  ValueInfoProtoSchema,
} from '../onnx/generated/onnx_pb';
import { graphOf } from '../onnx/graph';
import { DataType, makeValue } from '../onnx/model';
import { differentiate } from './autodiff';
import { GraphWriter } from './graphWriter';
import type { Matrix } from './losses/matrix';
import {
  type RetrievalFeeds,
  type RetrievalNames,
  retrievalFeeds,
  writeRetrievalLoss,
} from './retrievalGraph';
import {
  DIMENSION_WISE_MIN_ROWS,
  type RetrievalBatch,
  type RetrievalLoss,
  type RetrievalRecipe,
  retrievalLoss,
} from './retrievalStep';
import { type Dim, inferTypes } from './shapes';

/** What the loss is differentiated by. */
type Source =
  'queries' | 'positives' | 'negatives' | 'cleanQueries' | 'cleanPositives' | 'inverseTemperature';
type InputName = Source | keyof RetrievalFeeds;

/** Shapes of all inputs; texts are open sizes, `vector` the dimension of an encoding. */
const SHAPES: { readonly [Name in InputName]: readonly [Dim, Dim] } = {
  queries: ['rows', 'vector'],
  positives: ['rows', 'vector'],
  negatives: ['negatives', 'vector'],
  cleanQueries: ['rows', 'vector'],
  cleanPositives: ['rows', 'vector'],
  inverseTemperature: [1, 1],
  targets: ['rows', 'rows'],
  rowWeights: ['rows', 1],
  offsets: ['rows', 'rows'],
  columnOffsets: ['rows', 'rows'],
  negativeOffsets: ['rows', 'negatives'],
  syntheticOffsets: ['rows', 'synthetic'],
  mixingWeights: ['synthetic', 'negatives'],
  others: ['rows', 'rows'],
  byShare: ['rows', 1],
  fixedOwn: ['rows', 1],
  fixedOther: ['rows', 1],
  stoppedQueries: ['rows', 'vector'],
  stoppedPositives: ['rows', 'vector'],
  marginRows: ['margins', 'rows'],
  marginColumns: ['margins', 'negatives'],
  margins: ['margins', 1],
};

interface LossGraph {
  readonly session: GraphSession;
  readonly value: string;
  /** Outputs by source; a source that the loss does not depend on has none. */
  readonly gradients: ReadonlyMap<string, string>;
}

export class RetrievalLossGraphs implements Disposable {
  private readonly graphs = new Map<string, Promise<LossGraph>>();
  private readonly sessions = new DisposableStore();

  constructor(private readonly dimension: number) {}

  /** The loss and its gradients, as `retrievalLoss` gives them. */
  async loss(
    batch: RetrievalBatch,
    recipe: RetrievalRecipe,
    random: Random,
  ): Promise<RetrievalLoss> {
    const inputs = inputsOf(batch, recipe, random);
    const graph = await this.graphFor(inputs, batch, recipe);
    const feeds = Object.entries(inputs).map(
      ([name, { rows, columns, data }]): [string, Values] => [
        name,
        { data, shape: [rows, columns] },
      ],
    );
    const results = await graph.session.run(Object.fromEntries(feeds));
    const value = Number(results[graph.value]!.data[0]);
    const gradient = (name: Source): Matrix | undefined => {
      const input = inputs[name];
      const output = graph.gradients.get(name);
      if (!input) return undefined;
      const data = output === undefined ? undefined : (results[output]!.data as Float64Array);
      return { ...input, data: data ?? new Float64Array(input.data.length) };
    };
    const [cleanQueries, cleanPositives] = [gradient('cleanQueries'), gradient('cleanPositives')];
    return {
      ...{ value, queries: gradient('queries')!, positives: gradient('positives')! },
      negatives: gradient('negatives'),
      clean: cleanQueries && cleanPositives && { queries: cleanQueries, positives: cleanPositives },
      inverseTemperature: gradient('inverseTemperature')!.data[0]!,
      // A graph gives one number; the reference says which row is at fault where it is no number.
      rows: Number.isFinite(value)
        ? new Float64Array(batch.queries.rows).fill(value)
        : retrievalLoss(batch, recipe, random).rows,
    };
  }

  dispose(): void {
    this.sessions.dispose();
  }

  private graphFor(
    inputs: Inputs,
    { queries }: RetrievalBatch,
    recipe: RetrievalRecipe,
  ): Promise<LossGraph> {
    const hasRows = queries.rows >= DIMENSION_WISE_MIN_ROWS;
    const { columnWeight, diagonal, dcl, offDropout, gpl } = recipe;
    const constants = [
      columnWeight,
      diagonal,
      dcl.lambda,
      dcl.t,
      offDropout.rho,
      gpl.weight,
      hasRows,
    ];
    const key = `${Object.keys(inputs).sort().join()} ${constants.join()}`;
    const known = this.graphs.get(key);
    if (known) return known;
    const made = this.build(Object.keys(inputs) as InputName[], {
      ...recipe,
      rowCount: queries.rows,
    });
    this.graphs.set(key, made);
    return made;
  }

  private async build(
    names: readonly InputName[],
    recipe: RetrievalRecipe & { readonly rowCount: number },
  ): Promise<LossGraph> {
    const floatType = DataType.DOUBLE;
    const shapeOf = (name: InputName): Dim[] =>
      SHAPES[name].map((dim) => (dim === 'vector' ? this.dimension : dim));
    const model = create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })],
      graph: create(GraphProtoSchema, {
        name: 'retrieval loss',
        input: names.map((name) => makeValue(name, floatType, shapeOf(name))),
      }),
    });
    const graph = graphOf(model);
    const writer = new GraphWriter(graph, 'loss/', { floatType });
    const own = Object.fromEntries(names.map((name) => [name, name])) as RetrievalNames;
    const value = writeRetrievalLoss(writer, own, recipe);
    const sources = SOURCES.filter((name) => names.includes(name));
    const types = await inferTypes(model);
    const gradients = differentiate(graph, value, sources, { types, floatType });
    const outputs = [value, ...gradients.values()];
    graph.proto.output = outputs.map((name) => create(ValueInfoProtoSchema, { name }));
    graph.removeUnused();
    graph.sort();
    graph.check();
    const session = this.sessions.add(await createGraphSession(encodeModel(model)));
    return { session, value, gradients };
  }
}

const SOURCES: readonly Source[] = [
  ...(['queries', 'positives', 'negatives', 'cleanQueries', 'cleanPositives'] as const),
  'inverseTemperature',
];

type Inputs = { readonly [Name in InputName]?: Matrix };

function inputsOf(batch: RetrievalBatch, recipe: RetrievalRecipe, random: Random): Inputs {
  const { queries, positives, negatives, clean } = batch;
  const isClean = recipe.offDropout.enabled && clean !== undefined;
  return {
    ...{ queries, positives },
    ...(negatives && { negatives }),
    ...(isClean && { cleanQueries: clean.queries, cleanPositives: clean.positives }),
    inverseTemperature: { rows: 1, columns: 1, data: Float64Array.of(1 / recipe.tau) },
    ...retrievalFeeds(batch, recipe, random),
  };
}
