/** Marks as a file to share: JSON Lines, a mark a line, in the one shape that journals have. */
import * as fs from 'node:fs/promises';
import { NearmissError } from '../../base/errors';
import { unreadable, unwritable } from '../../base/fileFailure';
import { MARK_VERSION, type Mark, markSchema, ordered } from './mark';

/** Larger files are no marks. */
const LARGEST_BYTES = 64 << 20;

/** Writes the marks, in place of what the file held. */
export async function writeMarks(file: string, marks: readonly Mark[]): Promise<void> {
  const text = marks.map((mark) => `${JSON.stringify(ordered(mark))}\n`).join('');
  try {
    await fs.writeFile(file, text);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** The marks of a file, and a sentence for each line that is none. A journal of ours can be read as well. */
export async function readMarks(
  file: string,
): Promise<{ readonly marks: readonly Mark[]; readonly problems: readonly string[] }> {
  const lines = (await readText(file)).replace(/^\uFEFF/, '').split(/\r?\n/);
  const marks: Mark[] = [];
  const problems: string[] = [];
  lines.forEach((line, index) => {
    if (line.trim() === '') return;
    const read = readLine(line);
    if (typeof read === 'string') problems.push(`Line ${index + 1} is left out: ${read}`);
    else marks.push(read);
  });
  return { marks, problems };
}

function readLine(line: string): Mark | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'it is not JSON';
  }
  const version = (value as { v?: unknown } | null)?.v;
  if (typeof version === 'number' && version > MARK_VERSION)
    return `it was written by a newer Nearmiss (version ${version})`;
  const parsed = markSchema.safeParse(value);
  if (parsed.success) return ordered(parsed.data);
  const issue = parsed.error.issues[0];
  return `${issue?.path.join('.') || 'it'} is not valid (${issue?.message ?? 'unknown'})`;
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await fs.stat(file);
    if (size > LARGEST_BYTES)
      throw new NearmissError('usage', `${file} is too large to be a file of marks`);
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}
