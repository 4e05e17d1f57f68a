/** A JSON file of flags that a person wrote: read, checked, and what is wrong with it said by the flag's name. */
import * as fs from 'node:fs/promises';
import * as z from 'zod';
import { NearmissError } from '../../base/errors';
import { unreadable } from '../../base/fileFailure';
import { faultOf, placeOf } from './fieldFault';

/** The record of a run (`training.json`), as far as it matters here; no file of flags has these two. */
const recordSchema = z.looseObject({ recipe: z.unknown(), dataHash: z.string() });

/**
 * Reads the flags, or those that the record of a run holds, so that it can be repeated. Throws a NearmissError('usage')
 * that names the flag at fault.
 */
export async function readFlags<S extends z.ZodObject>(
  file: string,
  schema: S,
): Promise<z.infer<S>> {
  const content = parse(await read(file), file);
  const record = recordSchema.safeParse(content);
  const checked = schema.safeParse(record.success ? record.data.recipe : content);
  if (checked.success) return checked.data;
  const finding = checked.error.issues[0]!;
  throw new NearmissError(
    'usage',
    `The recipe ${file} is wrong${placeOf(finding)}: ${faultOf(finding)}`,
    finding.code === 'unrecognized_keys'
      ? `The flags there are ${flagsAt(schema, finding.path).join(', ')}`
      : 'Correct the flag or leave it out',
  );
}

async function read(file: string): Promise<string> {
  try {
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = `The recipe ${file} is not JSON`;
    throw new NearmissError('usage', message, 'It is a JSON object of flags', { cause: error });
  }
}

/** Names of all flags, or of those in a group of them. */
function flagsAt({ shape }: z.ZodObject, [group]: readonly PropertyKey[]): string[] {
  if (group === undefined) return Object.keys(shape);
  let part: unknown = shape[String(group)];
  while (part instanceof z.ZodOptional) part = part.unwrap();
  return part instanceof z.ZodObject ? Object.keys(part.shape) : [];
}
