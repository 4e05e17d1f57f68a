/**
 * Questions that this user asked and found an answer to, for those who switched it on: what learning must not make worse.
 * One small file beside the folder's marks, forgotten with them; the newest count. A question with a secret in it never
 * comes here.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { systemCode } from '../../base/errors';
import { foldText } from '../../base/text';
import { redactSecrets } from '../documents/secrets';
import { type MarkedPlace, placeSchema } from './mark';

const FILE = 'queries.json';
const MOST_KEPT = 300;
const LONGEST_QUERY = 500;

const keptSchema = z.object({ query: z.string().min(1), place: placeSchema });
const fileSchema = z.object({ v: z.literal(1), queries: z.array(keptSchema) });

/** A question, and the hit that was opened to stay. */
export interface PastQuery {
  readonly query: string;
  readonly place: MarkedPlace;
}

/** Oldest first; `own` is where the folder's marks lie. A file that cannot be read holds nothing. */
export async function readPastQueries(own: string): Promise<readonly PastQuery[]> {
  try {
    const text = await fs.readFile(path.join(own, FILE), 'utf8');
    return fileSchema.safeParse(JSON.parse(text)).data?.queries ?? [];
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Keeps a question in place of the same one before. Calls are to be put in order by the caller. */
export async function keepPastQuery(own: string, { query, place }: PastQuery): Promise<void> {
  const asked = query.trim();
  if (asked === '' || asked.length > LONGEST_QUERY || redactSecrets(asked).count > 0) return;
  const before = await readPastQueries(own);
  const others = before.filter((one) => foldText(one.query) !== foldText(asked));
  const queries = [...others, { query: asked, place }].slice(-MOST_KEPT);
  await fs.mkdir(own, { recursive: true, mode: 0o700 });
  const draft = path.join(own, `${FILE}.${randomBytes(4).toString('hex')}`);
  await fs.writeFile(draft, JSON.stringify({ v: 1, queries }), { mode: 0o600 });
  await fs.rename(draft, path.join(own, FILE));
}
