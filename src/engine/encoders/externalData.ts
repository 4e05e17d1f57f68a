/**
 * Weights that lie in files beside a model, taken into it: what we keep is one file with one hash. The model says
 * where they are, and a model from elsewhere may say "../../etc/passwd": only files inside its folder are read.
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { NearmissError, messageOf } from '../../base/errors';
import type { Graph } from '../onnx/graph';
import { type Tensor, embedData, innerGraphs, isExternal } from '../onnx/model';

type GraphMessage = Graph['proto'];

/** Fills every external tensor of the graph from the files in `folder`. Throws a NearmissError('model'). */
export async function takeInExternalData(graph: GraphMessage, folder: string): Promise<void> {
  const root = await fs.realpath(folder);
  const files = new Map<string, Buffer>();
  for (const tensor of externalTensors(graph)) {
    const place = placeOf(tensor);
    const file = await insidePath(root, place.location);
    let bytes = files.get(file);
    if (!bytes) files.set(file, (bytes = await fs.readFile(file)));
    const end = place.length === undefined ? bytes.length : place.offset + place.length;
    if (!(0 <= place.offset && place.offset <= end && end <= bytes.length)) {
      throw refused(`the weight ${tensor.name} ends beyond the end of ${place.location}`);
    }
    embedData(tensor, bytes.subarray(place.offset, end));
  }
}

function externalTensors(graph: GraphMessage): Tensor[] {
  const inner = graph.node.flatMap((node) => innerGraphs(node));
  const attributes = graph.node.flatMap((node) =>
    node.attribute.flatMap(({ t, tensors }) => (t ? [t, ...tensors] : tensors)),
  );
  const own = [...graph.initializer, ...attributes].filter(isExternal);
  return [...own, ...inner.flatMap(externalTensors)];
}

interface Place {
  readonly location: string;
  readonly offset: number;
  readonly length: number | undefined;
}

function placeOf(tensor: Tensor): Place {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const length = entries.get('length');
  return {
    location: entries.get('location') ?? '',
    offset: Number(entries.get('offset') ?? 0),
    length: length === undefined ? undefined : Number(length),
  };
}

/** The real path of a file that must lie in the folder, links followed. */
async function insidePath(root: string, location: string): Promise<string> {
  if (location === '') throw refused('a weight does not say which file it is in');
  let file: string;
  try {
    file = await fs.realpath(path.resolve(root, location));
  } catch (error) {
    throw refused(`the file ${location} with its weights cannot be read: ${messageOf(error)}`);
  }
  if (file.startsWith(root + path.sep)) return file;
  throw refused(`it wants to read ${location}, which is outside its folder`);
}

function refused(reason: string): NearmissError {
  return new NearmissError(
    'model',
    `The ONNX model cannot be used: ${reason}`,
    'Fetch the checkpoint again, with all of its files',
  );
}
