/**
 * A graph that is read and changed: who makes a name, who uses it, in which order nodes can run. Every name
 * (of a node's output, an input, an initialiser) is made once; edits keep it so.
 */
import { BugError } from '../../base/errors';
import { damaged } from './codec';
import type { GraphProto } from './generated/onnx_pb';
import {
  type Node,
  type NodeSpec,
  type Tensor,
  type Value,
  checkSize,
  innerGraphs,
  makeNode,
} from './model';

export class Graph {
  private index: GraphIndex | undefined;

  /** Works on the message in place. */
  constructor(readonly proto: GraphProto) {}

  get nodes(): readonly Node[] {
    return this.proto.node;
  }

  get inputs(): readonly Value[] {
    return this.proto.input;
  }

  get outputs(): readonly Value[] {
    return this.proto.output;
  }

  get initializers(): readonly Tensor[] {
    return this.proto.initializer;
  }

  /** The initialiser of that name. */
  initializer(name: string): Tensor | undefined {
    return this.indexed().initializers.get(name);
  }

  /** The node that makes the name; undefined for inputs and initialisers. */
  producerOf(name: string): Node | undefined {
    return this.indexed().producers.get(name);
  }

  /** The nodes that read the name, also inside their inner graphs; each once, in graph order. */
  consumersOf(name: string): readonly Node[] {
    return this.indexed().consumers.get(name) ?? [];
  }

  isOutput(name: string): boolean {
    return this.proto.output.some((output) => output.name === name);
  }

  /** A name nobody uses yet: the wish itself or the wish with a number. */
  freshName(wish: string): string {
    const { names } = this.indexed();
    let name = wish;
    for (let count = 1; names.has(name); count++) name = `${wish}_${count}`;
    names.add(name);
    return name;
  }

  /** Adds a node at the end; `sort` puts nodes in order when all are there. Returns its first output. */
  add(spec: NodeSpec): string {
    const node = makeNode(spec);
    this.proto.node.push(node);
    if (this.index) indexNode(this.index, node);
    return spec.outputs[0] ?? '';
  }

  /** Names what a node makes: optional outputs that it left out so far may be asked for. */
  setOutputs(node: Node, outputs: readonly string[]): void {
    node.output = [...outputs];
    this.index = undefined;
  }

  /** Takes nodes out. Names they made must be made anew before the graph runs. */
  remove(nodes: Iterable<Node>): void {
    const gone = new Set(nodes);
    this.proto.node = this.proto.node.filter((node) => !gone.has(node));
    this.index = undefined;
  }

  /** Adds an initialiser, or puts it in the place of the one of its name. Returns the name. */
  setInitializer(tensor: Tensor): string {
    const at = this.proto.initializer.findIndex(({ name }) => name === tensor.name);
    if (at < 0) this.proto.initializer.push(tensor);
    else this.proto.initializer[at] = tensor;
    this.index?.initializers.set(tensor.name, tensor);
    this.index?.names.add(tensor.name);
    return tensor.name;
  }

  /** Takes an initialiser out. An input or a node must make its name before the graph runs. */
  removeInitializer(name: string): void {
    this.proto.initializer = this.proto.initializer.filter((tensor) => tensor.name !== name);
    this.index = undefined;
  }

  /** Makes every reader of `from`, graph outputs too, read `to`. */
  replaceUses(from: string, to: string): void {
    for (const node of this.consumersOf(from))
      renameIn(node, (name) => (name === from ? to : name));
    for (const output of this.proto.output) if (output.name === from) output.name = to;
    this.index = undefined;
  }

  /** Renames everything that the map names: outputs of nodes, inputs, initialisers, and all their uses. */
  rename(newNames: ReadonlyMap<string, string>): void {
    const newName = (name: string): string => newNames.get(name) ?? name;
    for (const node of this.proto.node) {
      node.output = node.output.map(newName);
      renameIn(node, newName);
    }
    const { input, output, initializer, valueInfo } = this.proto;
    for (const named of [...input, ...output, ...initializer, ...valueInfo]) {
      named.name = newName(named.name);
    }
    this.index = undefined;
    this.check();
  }

  /** Puts a prefix before all names, of nodes too, but those of the graph's inputs and the exceptions. */
  prefixNames(prefix: string, except: ReadonlySet<string> = new Set()): void {
    const inputs = new Set(this.proto.input.map((input) => input.name));
    const map = new Map<string, string>();
    for (const name of this.indexed().names) {
      if (name !== '' && !inputs.has(name) && !except.has(name)) map.set(name, prefix + name);
    }
    for (const node of this.proto.node) if (node.name !== '') node.name = prefix + node.name;
    this.rename(map);
  }

  /** Takes out nodes and initialisers that no output depends on. */
  removeUnused(): void {
    const used = new Set(this.proto.output.map((output) => output.name));
    const kept = new Set<Node>();
    const pending = [...used];
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      const node = this.producerOf(name);
      if (!node || kept.has(node)) continue;
      kept.add(node);
      for (const input of namesRead(node)) {
        if (!used.has(input)) pending.push(input);
        used.add(input);
      }
    }
    this.proto.node = this.proto.node.filter((node) => kept.has(node));
    this.proto.initializer = this.proto.initializer.filter(({ name }) => used.has(name));
    this.index = undefined;
  }

  /** Puts nodes in an order in which they can run, and otherwise leaves them as they are. Throws on a cycle. */
  sort(): void {
    this.proto.node = inOrder(this.proto.node, this.indexed());
    this.index = undefined;
  }

  /** Throws a NearmissError('model') when a name is made twice, read but never made, or a weight has the wrong size. */
  check(): void {
    checkSingleMakers(this.proto);
    const { names, producers } = this.indexed();
    const made = new Set([...names].filter((name) => this.isMade(name, producers)));
    for (const node of this.proto.node) {
      for (const name of namesRead(node)) {
        if (!made.has(name))
          throw damaged(`${node.opType} ${node.name} reads ${name}, which nothing makes`);
      }
    }
    for (const output of this.proto.output) {
      if (!made.has(output.name)) throw damaged(`nothing makes the output ${output.name}`);
    }
    for (const tensor of this.proto.initializer) checkSize(tensor);
    inOrder(this.proto.node, this.indexed());
  }

  private isMade(name: string, producers: ReadonlyMap<string, Node>): boolean {
    const { initializers, inputs } = this.indexed();
    return producers.has(name) || initializers.has(name) || inputs.has(name);
  }

  private indexed(): GraphIndex {
    return (this.index ??= indexGraph(this.proto));
  }
}

interface GraphIndex {
  readonly producers: Map<string, Node>;
  readonly consumers: Map<string, Node[]>;
  readonly initializers: Map<string, Tensor>;
  readonly inputs: Set<string>;
  /** Everything that is named as a value. */
  readonly names: Set<string>;
}

function indexGraph(proto: GraphProto): GraphIndex {
  const producers = new Map<string, Node>();
  const consumers = new Map<string, Node[]>();
  const sparse = proto.sparseInitializer.map(({ values }) => values?.name ?? '');
  const inputs = new Set([...proto.input.map(({ name }) => name), ...sparse]);
  const initializers = new Map(proto.initializer.map((tensor) => [tensor.name, tensor]));
  const names = new Set([
    ...inputs,
    ...initializers.keys(),
    ...proto.output.map(({ name }) => name),
  ]);
  const index = { producers, consumers, initializers, inputs, names };
  for (const node of proto.node) indexNode(index, node);
  return index;
}

function indexNode({ producers, consumers, names }: GraphIndex, node: Node): void {
  for (const name of node.output) {
    if (name === '') continue;
    producers.set(name, node);
    names.add(name);
  }
  for (const name of namesRead(node)) {
    const readers = consumers.get(name);
    if (readers) readers.push(node);
    else consumers.set(name, [node]);
    names.add(name);
  }
}

/** Names a node reads, each once: its inputs, and what its inner graphs take from outside. */
function namesRead(node: Node): Set<string> {
  const names = new Set(node.input.filter((name) => name !== ''));
  for (const graph of innerGraphs(node)) for (const name of namesTaken(graph)) names.add(name);
  return names;
}

/** Names an inner graph reads and does not make itself. */
function namesTaken(graph: GraphProto): Set<string> {
  const own = new Set([
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.sparseInitializer.map(({ values }) => values?.name ?? ''),
    ...graph.node.flatMap((node) => node.output),
  ]);
  const read = [
    ...graph.node.flatMap((node) => [...namesRead(node)]),
    ...graph.output.map(({ name }) => name),
  ];
  return new Set(read.filter((name) => !own.has(name)));
}

function renameIn(node: Node, newName: (name: string) => string): void {
  node.input = node.input.map(newName);
  for (const graph of innerGraphs(node)) {
    const taken = namesTaken(graph);
    const renamed = (name: string): string => (taken.has(name) ? newName(name) : name);
    for (const inner of graph.node) renameIn(inner, renamed);
    for (const output of graph.output) output.name = renamed(output.name);
  }
}

function checkSingleMakers(proto: GraphProto): void {
  const inputs = new Set(proto.input.map(({ name }) => name));
  const made = new Set<string>();
  const make = (name: string): void => {
    if (name !== '' && made.has(name)) throw damaged(`${name} is made twice`);
    made.add(name);
  };
  for (const { name } of proto.initializer) make(name);
  // An input of an initialiser's name gives it a default; a node may take neither's name.
  for (const name of inputs) if (!made.has(name)) make(name);
  for (const node of proto.node) node.output.forEach(make);
}

/** Each node after the makers of what it reads; nodes already in order stay where they are. */
function inOrder(nodes: readonly Node[], { producers }: GraphIndex): Node[] {
  const ordered: Node[] = [];
  const open = new Set<Node>();
  const done = new Set<Node>();
  const stack = nodes.toReversed();
  for (let node = stack.at(-1); node; node = stack.at(-1)) {
    if (done.has(node)) {
      stack.pop();
    } else if (open.has(node)) {
      // Back from its makers, all of which stand in order by now.
      stack.pop();
      done.add(node);
      ordered.push(node);
    } else {
      open.add(node);
      for (const maker of makersOf(node, producers)) {
        if (done.has(maker)) continue;
        if (open.has(maker)) throw damaged('its nodes form a cycle');
        stack.push(maker);
      }
    }
  }
  return ordered;
}

function makersOf(node: Node, producers: ReadonlyMap<string, Node>): Node[] {
  return [...namesRead(node)].flatMap((name) => producers.get(name) ?? []);
}

/** The model's graph, ready to be read and changed. */
export function graphOf(model: { graph?: GraphProto | undefined }): Graph {
  if (!model.graph) throw new BugError('A model without a graph was let through');
  return new Graph(model.graph);
}
