/**
 * A checkpoint of the hub to a folder in its layout. Nothing is fetched but on an explicit order; the revision is
 * pinned to a commit first, and only files that decide an embedding are taken.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { NearmissError } from '../../base/errors';
import { catalogEntry } from './catalog';
import { type Fetch, fetchFile, type HubFile, refuseStatus, unreachable } from './hubFile';

/** "owner/name" with an optional revision: a branch, a tag or a commit. */
export interface ModelName {
  readonly owner: string;
  readonly name: string;
  readonly revision: string;
}

export interface HubRequest {
  readonly model: ModelName;
  /** Downloads lie in a folder of their own below this one. */
  readonly folder: string;
  readonly fetch: Fetch;
  /** HF_ENDPOINT and HF_TOKEN are read from here. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly onProgress?: (doneBytes: number, allBytes: number) => void;
  readonly pauseMs?: number;
}

/** What was fetched: a folder that can be added, and what it is pinned to. */
export interface FetchedModel {
  readonly folder: string;
  readonly commit: string;
  readonly bytes: number;
}

const usualEndpoint = 'https://huggingface.co';
/** More than a computer that searches wants to hold. */
const largestModelBytes = 4_000_000_000;

const sideFiles: ReadonlySet<string> = new Set([
  'config.json',
  'tokenizer.json',
  'modules.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
  '1_Pooling/config.json',
]);
const modelFiles = ['model.onnx', 'onnx/model.onnx'];

const infoSchema = z.looseObject({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z
    .array(
      z.looseObject({
        rfilename: z.string(),
        size: z.int().nonnegative().optional(),
        blobId: z.string().optional(),
        lfs: z.looseObject({ sha256: z.string().optional(), oid: z.string().optional() }).nullish(),
      }),
    )
    .max(100_000),
});

/** Reads "owner/name" or "owner/name@revision"; undefined for what is a folder or nothing of the kind. */
export function parseModelName(given: string): ModelName | undefined {
  const match = /^([\w.-]{1,96})\/([\w.-]{1,96})(?:@([\w./-]{1,200}))?$/.exec(given);
  const [, owner, name, revision = 'main'] = match ?? [];
  const parts = [owner, name, ...revision.split('/')];
  if (!owner || !name || parts.some((part) => /^\.*$/.test(part ?? ''))) return undefined;
  return { owner, name, revision };
}

export async function fetchModel(request: HubRequest): Promise<FetchedModel> {
  const { model, env, fetch, signal, onProgress, pauseMs } = request;
  const endpoint = hubEndpoint(env);
  const headers = headersOf(env);
  const { sha: commit, siblings } = await readInfo(request, endpoint, headers);
  const files = wantedFiles(siblings, model);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes > largestModelBytes)
    throw new NearmissError('model', `${model.name} has ${bytes} bytes, which is too many`);
  const folder = path.join(request.folder, `${model.owner}--${commit}`, model.name);
  let done = 0;
  for (const file of files) {
    const url = `${endpoint}/${model.owner}/${model.name}/resolve/${commit}/${file.name}`;
    const target = path.join(folder, file.name);
    const onBytes = (count: number): void => onProgress?.(done + count, bytes);
    await fetchFile({ url, file, target, fetch, headers, signal, onBytes, pauseMs });
    done += file.size;
  }
  addTemplates(folder, `${model.owner}/${model.name}`);
  return { folder, commit, bytes };
}

async function readInfo(
  { model, fetch, signal }: HubRequest,
  endpoint: string,
  headers: Record<string, string>,
): Promise<z.infer<typeof infoSchema>> {
  const revision = encodeURIComponent(model.revision);
  const url = `${endpoint}/api/models/${model.owner}/${model.name}/revision/${revision}?blobs=true`;
  const response = await fetch(url, { headers, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw unreachable(`The list of ${model.owner}/${model.name}`, error);
  });
  refuseStatus(response, url);
  try {
    return infoSchema.parse(JSON.parse(await response.text()));
  } catch (error) {
    throw new NearmissError(
      'model',
      `${endpoint} answers with something that is no list of a model's files`,
      'Check HF_ENDPOINT',
      { cause: error },
    );
  }
}

function wantedFiles(
  siblings: z.infer<typeof infoSchema>['siblings'],
  model: ModelName,
): HubFile[] {
  const names = new Set(siblings.map(({ rfilename }) => rfilename));
  const modelFile = modelFiles.find((name) => names.has(name));
  for (const name of ['config.json', 'tokenizer.json'])
    if (!names.has(name)) throw lacks(model, name);
  if (modelFile === undefined) throw lacks(model, 'model.onnx');
  const isWanted = (name: string): boolean =>
    sideFiles.has(name) || name === modelFile || name === `${modelFile}_data`;
  return siblings
    .filter(({ rfilename }) => isWanted(rfilename))
    .map(({ rfilename: name, size, blobId, lfs }) => {
      const sha256 = lfs?.sha256 ?? lfs?.oid;
      const digest = sha256
        ? ({ kind: 'sha256', hex: sha256 } as const)
        : ({ kind: 'git', hex: blobId ?? '' } as const);
      const isKnown = /^(?:[0-9a-f]{64}|[0-9a-f]{40})$/.test(digest.hex);
      if (size === undefined || !isKnown)
        throw new NearmissError('model', `The hub does not say what ${name} must be`);
      return { name, size, digest };
    });
}

function lacks({ owner, name }: ModelName, file: string): NearmissError {
  return new NearmissError(
    'model',
    `${owner}/${name} has no ${file}`,
    'Choose a checkpoint with an ONNX export, or export it and add the folder',
  );
}

/** Puts the catalogue's templates beside a checkpoint that brings none. */
function addTemplates(folder: string, name: string): void {
  const templates = catalogEntry(name)?.templates;
  const file = path.join(folder, 'config_sentence_transformers.json');
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '{}';
  const config = JSON.parse(text) as { prompts?: Record<string, string> };
  if (!templates || Object.keys(config.prompts ?? {}).length > 0) return;
  const prompts = { query: templates.query, document: templates.document };
  fs.writeFileSync(file, `${JSON.stringify({ ...config, prompts })}\n`, { mode: 0o600 });
}

/** A checkpoint's folder in one that was filled elsewhere: OWNER/NAME in it, or a cache of the hub's own tools. */
export function findOffline(root: string, { owner, name, revision }: ModelName): string {
  const cache = path.join(root, `models--${owner}--${name}`);
  const places = [
    path.join(root, owner, name),
    path.join(cache, 'snapshots', revision),
    ...snapshotOf(cache, revision),
    path.join(root, name),
  ];
  const found = places.find((folder) => fs.existsSync(path.join(folder, 'config.json')));
  if (found !== undefined) return found;
  throw new NearmissError(
    'notFound',
    `${root} holds no ${owner}/${name}`,
    `Put its files into ${path.join(root, owner, name)}`,
  );
}

function snapshotOf(cache: string, revision: string): string[] {
  const ref = path.join(cache, 'refs', ...revision.split('/'));
  if (!fs.existsSync(ref) || !fs.statSync(ref).isFile()) return [];
  return [path.join(cache, 'snapshots', fs.readFileSync(ref, 'utf8').trim())];
}

/** The address of the hub, without a slash at its end. */
export function hubEndpoint(env: HubRequest['env']): string {
  const given = (env.HF_ENDPOINT ?? '').trim().replace(/\/+$/, '');
  if (given === '') return usualEndpoint;
  if (/^https?:\/\/[^\s?#]+$/.test(given)) return given;
  throw new NearmissError('usage', `HF_ENDPOINT is no address: ${given}`);
}

function headersOf(env: HubRequest['env']): Record<string, string> {
  const token = env.HF_TOKEN?.trim();
  return { 'user-agent': 'nearmiss', ...(token ? { authorization: `Bearer ${token}` } : {}) };
}
