/**
 * A version shared by the repository: learned words, the weights of the ranking and a map of embeddings in
 * `.nearmiss/adapter/`, never a program and never a whole model. What is taken is checked like anything from strangers (plain files of a bounded size,
 * each with its hash, for the models in use), becomes a version under a name of its own, and answers nothing until it has
 * passed this user's gate.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { NearmissError } from '../../base/errors';
import { ADAPTER_FILE, checkBase, readHead } from '../encoders/heads';
import { readShared, removeShared, SHARED_FOLDER, writeShared } from '../feedback/repositoryFolder';
import { cleanAuthor } from '../feedback/sharedMarks';
import { type BaseModels, readWeights, WEIGHTS_FILE } from './learnedVersion';
import { readWordsFile, WORDS_FILE } from './learnedWords';
import { MARK_HASH, MOST_TOLD } from './learnedMarks';
import { NOTHING } from './makeReport';
import type { LearningReport } from './report';
import type { VersionStore } from './versionStore';

const FOLDER = 'adapter';
const MANIFEST = 'version.json';
/** Every file has its hash: git must not give it other line ends. */
const ATTRIBUTES = '* -text\n';
const LARGEST_MANIFEST_BYTES = 1 << 20;
/** By the part that it holds: its file, and how large that may be. */
const PARTS = {
  words: { file: WORDS_FILE, largestBytes: 256 << 10 },
  fusion: { file: WEIGHTS_FILE, largestBytes: 64 << 10 },
  head: { file: ADAPTER_FILE, largestBytes: 16 << 20 },
} as const;
const MOST_RANK = 512;

const sharedSchema = z.object({
  v: z.literal(1),
  id: z.string().min(1).max(200),
  author: z.string().max(1000),
  time: z.iso.datetime({ offset: true }),
  kind: z.enum(['marks', 'adapt']),
  verdict: z.string().max(2000),
  markCount: z.int().min(0),
  /** Of the ids of the marks that it was learned from. */
  markHashes: z.array(z.string().regex(MARK_HASH)).max(MOST_TOLD).optional(),
  base: z.object({ biEncoder: z.string().max(200), crossEncoder: z.string().max(200) }),
  tiers: z
    .array(z.enum(['words', 'fusion', 'head']))
    .min(1)
    .max(3),
  level: z.object({ factor: z.number().positive(), shift: z.number() }).optional(),
  /** The part of the folder that it is for. */
  scope: z
    .object({ path: z.string().max(4096).optional(), language: z.string().max(100).optional() })
    .optional(),
  hashes: z.object({
    words: z.string().length(64).optional(),
    fusion: z.string().length(64).optional(),
    head: z.string().length(64).optional(),
  }),
});
type SharedVersion = z.infer<typeof sharedSchema>;
type SharedPart = keyof typeof PARTS;

/** Writes a version to the repository's folder; returns where. Throws where it holds more than small weights. */
export async function giveVersion(
  root: string,
  store: VersionStore,
  id: string,
  author: string,
): Promise<string> {
  const manifest = await store.verified(id);
  const tiers = manifest.tiers.filter((tier): tier is SharedPart => tier in PARTS);
  if (tiers.length !== manifest.tiers.length || tiers.length === 0)
    throw new NearmissError(
      'usage',
      `The version ${id} holds ${manifest.tiers.join(', ')}; only learned words, weights of the ranking and maps of embeddings are shared`,
      'Share another version; `nearmiss versions` lists them',
    );
  if ((manifest.markHashes?.length ?? 0) > MOST_TOLD)
    throw new NearmissError(
      'usage',
      `The version ${id} was learned from more than ${MOST_TOLD} marks, which is more than a shared version can tell`,
      'Share another version; `nearmiss versions` lists them',
    );
  const hashes: SharedVersion['hashes'] = {};
  for (const tier of tiers) {
    const { file } = PARTS[tier];
    const bytes = await fs.readFile(path.join(store.folderOf(id), file));
    hashes[tier] = hashOf(bytes);
    await writeShared(root, `${FOLDER}/${file}`, bytes);
  }
  const { time, kind, verdict, markCount, markHashes, base, level, scope } = manifest;
  const shared: SharedVersion = {
    ...{
      v: 1,
      id,
      author: cleanAuthor(author),
      time,
      kind,
      verdict,
      markCount,
      markHashes,
      base,
      tiers,
      level,
      scope,
    },
    hashes,
  };
  await writeShared(root, `${FOLDER}/.gitattributes`, ATTRIBUTES);
  // After the parts: until it is there, what it speaks of does not count.
  await writeShared(root, `${FOLDER}/${MANIFEST}`, `${JSON.stringify(shared, null, 2)}\n`);
  // What an earlier version had learned, from marks that may have been taken back since, is shared no more.
  for (const [part, { file }] of Object.entries(PARTS))
    if (!tiers.includes(part as SharedPart)) await removeShared(root, `${FOLDER}/${file}`);
  return path.join(root, SHARED_FOLDER, FOLDER);
}

/** Makes a version of what the repository holds; returns its name. Nothing answers by it yet. */
export async function takeVersion(
  root: string,
  store: VersionStore,
  base: BaseModels,
): Promise<string> {
  const shared = await readManifest(root);
  const parts = await readParts(root, shared);
  // The same weights learned from other marks, or for another part, are measured on other queries.
  const limit = shared.scope ? JSON.stringify(shared.scope) : '';
  const said = Buffer.from((shared.markHashes ?? []).join() + limit);
  const whole = Buffer.concat([...parts.map(({ bytes }) => bytes), said]);
  const id = `shared-${hashOf(whole).slice(0, 12)}`;
  if ((await store.read(id)).manifest) return id;
  const draft = path.join(store.root, `taken-${process.pid}`);
  try {
    await fs.rm(draft, { recursive: true, force: true });
    await fs.mkdir(draft, { recursive: true, mode: 0o700 });
    for (const { part, bytes } of parts)
      await fs.writeFile(path.join(draft, PARTS[part].file), bytes);
    await checkParts(draft, shared, base);
    const { kind, verdict, markCount, markHashes, tiers, level, scope } = shared;
    const author = cleanAuthor(shared.author);
    const about = { id, time: new Date().toISOString(), kind, isPromoted: false, author };
    const told = `Taken from the repository, not measured here yet; ${author} says: ${verdict}`;
    await store.publish(
      draft,
      // Find-similar stays on base vectors: its condition was never looked at here.
      {
        ...{ ...about, verdict: told, markCount, markHashes, base, tiers, level, scope },
        mapsSimilar: false,
        sharedTime: shared.time,
      },
      takenReport(root, id, told),
    );
    return id;
  } finally {
    await fs.rm(draft, { recursive: true, force: true });
  }
}

async function readManifest(root: string): Promise<SharedVersion> {
  const bytes = await readShared(root, `${FOLDER}/${MANIFEST}`, LARGEST_MANIFEST_BYTES);
  if (!bytes)
    throw new NearmissError(
      'notFound',
      `The repository shares no version (${path.join(root, SHARED_FOLDER, FOLDER)})`,
      'Whoever has one shares it with `nearmiss versions share`',
    );
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw unusable(`${MANIFEST} is not JSON`);
  }
  const v = (value as { readonly v?: unknown } | null)?.v;
  if (typeof v === 'number' && v > 1)
    throw new NearmissError(
      'version',
      `The shared version was written by a newer Nearmiss (${v})`,
      'Update Nearmiss',
    );
  const parsed = sharedSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw unusable(`${parsed.error.issues[0]?.path.join('.') || MANIFEST} is not valid`);
}

async function readParts(
  root: string,
  { tiers, hashes }: SharedVersion,
): Promise<{ readonly part: SharedPart; readonly bytes: Buffer }[]> {
  const parts: { part: SharedPart; bytes: Buffer }[] = [];
  for (const part of [...new Set(tiers)].sort()) {
    const { file, largestBytes } = PARTS[part];
    const bytes = await readShared(root, `${FOLDER}/${file}`, largestBytes);
    if (!bytes) throw unusable(`${file} is missing`);
    if (hashOf(bytes) !== hashes[part]) throw unusable(`${file} is not what was shared`);
    parts.push({ part, bytes });
  }
  return parts;
}

/** It can be read, is of a size that searches can bear, and belongs to the models in use. */
async function checkParts(
  draft: string,
  { tiers, base }: SharedVersion,
  own: BaseModels,
): Promise<void> {
  if (base.biEncoder !== own.biEncoder) throw unusable('it was learned on another model');
  if (tiers.includes('words')) await readWordsFile(path.join(draft, WORDS_FILE));
  if (tiers.includes('fusion')) {
    if (base.crossEncoder !== own.crossEncoder)
      throw unusable('it was learned on another re-ranker');
    await readWeights(path.join(draft, WEIGHTS_FILE));
  }
  if (!tiers.includes('head')) return;
  const head = await readHead(path.join(draft, ADAPTER_FILE));
  checkBase(head, own.biEncoder);
  if (head.rank > MOST_RANK)
    throw unusable(`its rank is ${head.rank}, and ${MOST_RANK} is the most`);
}

function takenReport(folder: string, version: string, verdict: string): LearningReport {
  return {
    ...{ v: 1, kind: 'check', version, time: new Date().toISOString(), folder, seed: 1, verdict },
    ...{
      isPromoted: false,
      primary: 'MRR@10',
      split: 'Nothing was measured yet',
      learnedFrom: NOTHING,
    },
    ...{ figures: [], conditions: [], tiers: [], queries: [], quarantined: [], curve: [] },
    ...{ notes: [], seconds: 0, bytes: 0 },
  };
}

function unusable(reason: string): NearmissError {
  return new NearmissError(
    'model',
    `The version that the repository shares cannot be used: ${reason}`,
    'Ask whoever shared it; nothing has changed here',
  );
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
