/**
 * One file of the hub to the disk: resumed where a connection broke, no longer than it should be, and kept only when its
 * digest is the one that the hub's list names.
 */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { isAbort, messageOf, NearmissError } from '../../base/errors';

/** What is used of `fetch`, Node's own, undici's or the editor's. */
export type Fetch = (
  url: string,
  init: { headers: Record<string, string>; signal: AbortSignal },
) => Promise<HubResponse>;

interface HubResponse {
  readonly status: number;
  readonly url: string;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
  text(): Promise<string>;
}

/** A file as the hub lists it; small ones have the digest of git, large ones sha256. */
export interface HubFile {
  readonly name: string;
  readonly size: number;
  readonly digest: { readonly kind: 'sha256' | 'git'; readonly hex: string };
}

export interface FileRequest {
  readonly url: string;
  readonly file: HubFile;
  /** Where it goes; beside it, `.part` holds what has come so far. */
  readonly target: string;
  readonly fetch: Fetch;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Bytes of this file that are there. */
  readonly onBytes?: (count: number) => void;
  readonly pauseMs?: number;
}

/** Tries in a row that bring no byte further. */
const triesInARow = 5;
const usualPauseMs = 1000;

/** Resolves when the file is there and right. A file that is there already is checked, not fetched. */
export async function fetchFile(request: FileRequest): Promise<void> {
  const { target, file } = request;
  if (await isRight(target, file)) return request.onBytes?.(file.size);
  fs.mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
  const part = `${target}.part`;
  // A part may have been spoilt by another program or a full disk: one more time from nothing.
  for (const isLast of [false, true]) {
    await fetchPart(request, part);
    if (await isRight(part, file)) return fs.renameSync(part, target);
    fs.rmSync(part, { force: true });
    if (isLast)
      throw new NearmissError(
        'model',
        `${file.name} is not what the hub says it is: its ${digestName(file)} differs`,
        'Try again later, or fetch the files by other means and add their folder',
      );
  }
}

async function fetchPart(request: FileRequest, part: string): Promise<void> {
  const { file, signal, pauseMs = usualPauseMs } = request;
  let triesLeft = triesInARow;
  for (;;) {
    const before = sizeOf(part);
    if (before === file.size) return;
    if (before > file.size) fs.rmSync(part);
    try {
      await appendFrom(request, part, before > file.size ? 0 : before);
      if (sizeOf(part) >= file.size) return;
      throw new NearmissError('model', `The connection ended early while fetching ${file.name}`);
    } catch (error) {
      if (signal.aborted || isAbort(error) || isLasting(error)) throw error;
      triesLeft = sizeOf(part) > before ? triesInARow : triesLeft - 1;
      if (triesLeft === 0) throw unreachable(file.name, error);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    signal.throwIfAborted();
  }
}

/** Answers that will be the same next time. */
function isLasting(error: unknown): boolean {
  return error instanceof NearmissError && error.code !== 'model';
}

async function appendFrom(request: FileRequest, part: string, from: number): Promise<void> {
  const { url, file, fetch, headers, signal, onBytes } = request;
  const range: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
  const response = await fetch(url, { headers: { ...headers, ...range }, signal });
  refuseStatus(response, url);
  // Who ignores the range begins anew, and so do we.
  const isResumed =
    response.status === 206 &&
    response.headers.get('content-range')?.startsWith(`bytes ${from}-`) === true;
  let at = isResumed ? from : 0;
  const handle = fs.openSync(part, isResumed ? 'a' : 'w', 0o600);
  try {
    for await (const bytes of response.body ?? []) {
      at += bytes.length;
      if (at > file.size)
        throw new NearmissError('model', `The hub sends more of ${file.name} than it should be`);
      fs.writeSync(handle, bytes);
      onBytes?.(at);
    }
  } finally {
    fs.closeSync(handle);
  }
}

/** Throws for everything but content; names the hub's reason. */
export function refuseStatus(response: Pick<HubResponse, 'status' | 'url'>, asked: string): void {
  const { status } = response;
  if (asked.startsWith('https:') && response.url.startsWith('http:'))
    throw new NearmissError('permission', 'The hub leads from https to http', 'Check HF_ENDPOINT');
  if (status === 200 || status === 206) return;
  if (status === 401 || status === 403)
    throw new NearmissError(
      'permission',
      `The hub refuses access (${status})`,
      'Accept the terms of the model on its page, and set HF_TOKEN to a token of yours',
    );
  if (status === 404)
    throw new NearmissError('notFound', 'The hub has no such model, revision or file (404)');
  if (status === 407)
    throw new NearmissError(
      'permission',
      'The proxy wants a name and a password (407)',
      'Set HTTPS_PROXY to http://NAME:PASSWORD@HOST:PORT',
    );
  throw new NearmissError('model', `The hub answers with status ${status}`);
}

async function isRight(file: string, { size, digest }: HubFile): Promise<boolean> {
  if (sizeOf(file) !== size) return false;
  const hash = crypto.createHash(digest.kind === 'git' ? 'sha1' : 'sha256');
  if (digest.kind === 'git') hash.update(`blob ${size}\0`);
  for await (const bytes of fs.createReadStream(file)) hash.update(bytes as Buffer);
  return hash.digest('hex') === digest.hex;
}

function digestName({ digest }: HubFile): string {
  return digest.kind === 'git' ? 'git digest' : 'sha256';
}

function sizeOf(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

export function unreachable(what: string, error: unknown): NearmissError {
  const cause = (error as { cause?: unknown }).cause;
  const reasons = [messageOf(error), ...(cause === undefined ? [] : [messageOf(cause)])];
  return new NearmissError(
    'model',
    `${what} cannot be fetched: ${[...new Set(reasons)].join(', ')}`,
    'Check the network and HTTPS_PROXY, then try again: what has come is kept',
    { cause: error },
  );
}
