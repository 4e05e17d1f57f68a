/** What few commands need lies in bundles of its own, so that the others do not pay for its libraries. */
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { NearmissError } from '../../base/errors';

/** The exports of `dist/NAME.js`, beside the command line's own bundle. */
export function loadBundle<T>(name: string): T {
  return createRequire(__filename)(path.join(__dirname, `${name}.js`)) as T;
}

/** Each bundle has an error class of its own: an expected failure of another becomes one of ours. */
export async function asOurs<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NearmissError || !isExpected(error)) throw error;
    throw new NearmissError(error.code, error.message, error.advice, { cause: error });
  }
}

type Expected = Error & Pick<NearmissError, 'code' | 'advice'>;

function isExpected(error: unknown): error is Expected {
  return error instanceof Error && error.name === 'NearmissError' && 'code' in error;
}
