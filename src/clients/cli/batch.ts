/** A file of queries, one JSON object a line. */
import * as fs from 'node:fs';
import { NearmissError } from '../../base/errors';
import { unreadable } from '../../base/fileFailure';

export interface BatchQuery {
  /** As it stands in the file, a text or a number. */
  readonly qid: string | number;
  readonly text: string;
}

/** All queries of the file in order; the first bad line is named by its number. */
export function readQueries(file: string): BatchQuery[] {
  return parseQueries(readText(file), file);
}

export function parseQueries(content: string, file: string): BatchQuery[] {
  return content
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parseQuery(line, file, index + 1)]));
}

function parseQuery(line: string, file: string, lineNumber: number): BatchQuery {
  const value = parseObject(line);
  const qid = value?._id ?? value?.qid;
  const text = value?.text;
  if ((typeof qid === 'string' || typeof qid === 'number') && typeof text === 'string')
    return { qid, text };
  const wrong = value ? 'lacks "text" and one of "_id" and "qid"' : 'is not a JSON object';
  throw new NearmissError(
    'usage',
    `Line ${lineNumber} of ${file} ${wrong}`,
    'Each line is {"_id": "...", "text": "..."}',
  );
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    // What is not JSON is reported with its line number.
    return undefined;
  }
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}
