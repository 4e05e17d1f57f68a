/**
 * A file of training records, one JSON object a line, read as a stream: a search task with positives and negatives, or
 * two texts and how alike they are. The first bad line is named by its number, and then nothing is trained.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as readline from 'node:readline';
import * as z from 'zod';
import { NearmissError } from '../../base/errors';
import { unreadable } from '../../base/fileFailure';
import { faultOf, placeOf } from './fieldFault';

const retrievalSchema = z.strictObject({
  task: z.literal('ir'),
  query: z.string(),
  positives: z.array(z.string()).default([]),
  negatives: z.array(z.string()).default([]),
  /** Of the negatives, in their order. */
  weights: z.array(z.number().min(0).max(1)).optional(),
  /** Of the whole record; without it, that of its source. */
  weight: z.number().min(0).max(1).optional(),
  /** How far a teacher puts the first positive above each negative, in their order; null where it is not known. */
  margins: z.array(z.number().nullable()).optional(),
  source: z.enum(['explicit', 'skipped', 'mined', 'synthetic']).optional(),
});
const similaritySchema = z.strictObject({
  task: z.literal('sts'),
  a: z.string(),
  b: z.string(),
  /** Larger is more alike; the scale is the file's own. */
  score: z.number(),
});
const recordSchema = z.discriminatedUnion('task', [retrievalSchema, similaritySchema], {
  error: ({ code }) => (code === 'invalid_union' ? 'it must be "ir" or "sts"' : undefined),
});

/** One record, and the line it stands in, from 1. */
export type TrainingRecord = z.infer<typeof recordSchema> & { readonly line: number };

export interface RecordFile {
  readonly records: readonly TrainingRecord[];
  /** Hex sha256 of the file's bytes. */
  readonly hash: string;
}

const FORM =
  'Each line is {"task":"ir","query","positives","negatives"} or {"task":"sts","a","b","score"}';

/** Reads and checks all records. Throws a NearmissError('usage') that names the line. */
export async function readRecords(file: string): Promise<RecordFile> {
  // Texts come again and again, as negatives above all: each is kept once.
  const known = new Map<string, string>();
  const once = (text: string): string => {
    const kept = known.get(text);
    if (kept === undefined) known.set(text, text);
    return kept ?? text;
  };
  const { rows, hash } = await parseLines(file, recordSchema, FORM, (value, line) => {
    if (value.task === 'sts') return { ...value, a: once(value.a), b: once(value.b), line };
    const { query, positives, negatives } = value;
    for (const name of ['weights', 'margins'] as const) {
      const count = value[name]?.length ?? negatives.length;
      if (count !== negatives.length)
        throw wrongLine(`has ${count} ${name} for ${negatives.length} negatives`, {
          ...{ file, line, form: FORM },
        });
    }
    const texts = { positives: positives.map(once), negatives: negatives.map(once) };
    return { ...value, query: once(query), ...texts, line };
  });
  return { records: rows, hash };
}

/** Every line that is not blank, checked by the schema and taken over, and the hash of the file's bytes. */
async function parseLines<T, R>(
  file: string,
  schema: z.ZodType<T>,
  form: string,
  take: (value: T, line: number) => R,
): Promise<{
  readonly rows: readonly R[];
  readonly hash: string;
}> {
  const hash = createHash('sha256');
  const rows: R[] = [];
  let line = 0;
  try {
    const stream = fs.createReadStream(file);
    stream.on('data', (part) => hash.update(part));
    for await (const content of readline.createInterface({ input: stream, crlfDelay: Infinity })) {
      line++;
      const text = line === 1 ? content.replace(/^\uFEFF/, '') : content;
      if (text.trim() !== '') rows.push(take(parseLine(text, schema, { file, line, form }), line));
    }
  } catch (error) {
    throw unreadable(file, error);
  }
  return { rows, hash: hash.digest('hex') };
}

interface LinePlace {
  readonly file: string;
  readonly line: number;
  readonly form: string;
}

function parseLine<T>(content: string, schema: z.ZodType<T>, place: LinePlace): T {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw wrongLine('is not JSON', place);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const finding = parsed.error.issues[0]!;
  throw wrongLine(`is wrong${placeOf(finding)}: ${faultOf(finding)}`, place);
}

function wrongLine(what: string, { file, line, form }: LinePlace): NearmissError {
  return new NearmissError('usage', `Line ${line} of ${file} ${what}`, form);
}
