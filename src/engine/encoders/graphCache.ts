/**
 * Built graphs as files, so that a start reads one in place of building it. A file's name says what it was
 * built from and, at its end, the sha256 of its bytes: what is cut or changed is not used, it is built again.
 */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { type Logger, silentLogger } from '../../base/log';
import { messageOf, systemCode } from '../../base/errors';
import { type Checkpoint, readModelBytes } from './checkpoint';
import { type Arithmetic, buildGraph } from './graphs';

/** To be raised whenever `buildGraph` gives other bytes for the same model. */
const GRAPH_VERSION = 2;

/** The checkpoint's graph for the arithmetic: from the cache, or built and put there when it can be written. */
export async function cachedGraph(
  checkpoint: Pick<Checkpoint, 'fingerprint' | 'modelFile'>,
  arithmetic: Arithmetic,
  cacheFolder: string | undefined,
  log: Logger = silentLogger,
): Promise<Uint8Array> {
  const stem = `${checkpoint.fingerprint.slice(0, 16)}-${arithmetic}`;
  const known = cacheFolder && (await readCached(cacheFolder, stem, log));
  if (known) return known;
  const graph = buildGraph(await readModelBytes(checkpoint.modelFile), arithmetic);
  if (cacheFolder) await writeCached(cacheFolder, stem, graph, log);
  return graph;
}

async function readCached(
  folder: string,
  stem: string,
  log: Logger,
): Promise<Uint8Array | undefined> {
  for (const name of await cachedNames(folder, stem)) {
    const [version, hash] = name.slice(stem.length + 1, -'.onnx'.length).split('-');
    if (version !== `v${GRAPH_VERSION}`) continue;
    const bytes = await fs.readFile(path.join(folder, name)).catch(() => undefined);
    if (bytes && sha256(bytes) === hash) return bytes;
    log.warn('a cached graph is damaged and is built again', { name });
  }
  return undefined;
}

/** The cache saves time and nothing else: what cannot be written is logged and left. */
async function writeCached(
  folder: string,
  stem: string,
  graph: Uint8Array,
  log: Logger,
): Promise<void> {
  const name = `${stem}-v${GRAPH_VERSION}-${sha256(graph)}.onnx`;
  const draft = path.join(folder, `${name}.${crypto.randomBytes(4).toString('hex')}`);
  try {
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    await fs.writeFile(draft, graph, { mode: 0o600 });
    await fs.rename(draft, path.join(folder, name));
    for (const old of await cachedNames(folder, stem)) {
      if (old !== name) await fs.rm(path.join(folder, old), { force: true });
    }
  } catch (error) {
    await fs.rm(draft, { force: true }).catch(() => undefined);
    log.warn('a graph cannot be cached', { reason: messageOf(error) });
  }
}

async function cachedNames(folder: string, stem: string): Promise<string[]> {
  try {
    const names = await fs.readdir(folder);
    return names.filter((name) => name.startsWith(`${stem}-v`) && name.endsWith('.onnx')).sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}

function sha256(bytes: Uint8Array): string {
  return crypto.createHash('sha256').update(bytes).digest('hex');
}
