/** What a failure says on stderr, and which exit code it gives. */
import { CommanderError } from 'commander';
import { type ErrorCode, isAbort, NearmissError } from '../../base/errors';

export const exitDone = 0;
export const exitRemains = 1;
const exitUsage = 2;
export const exitFailed = 3;
/** What shells expect after Ctrl-C. */
const exitInterrupted = 130;

const exitCodes: { readonly [C in ErrorCode]: number } = {
  usage: exitUsage,
  notFound: exitUsage,
  outsideFolder: exitUsage,
  needsConfirmation: exitUsage,
  model: exitFailed,
  provider: exitFailed,
  index: exitFailed,
  diskFull: exitFailed,
  memory: exitFailed,
  permission: exitFailed,
  engine: exitFailed,
  version: exitFailed,
  unauthorized: exitFailed,
  busy: exitFailed,
};

/** Says in a sentence or two what went wrong; the stack only when asked. Returns the exit code. */
export function reportError(
  error: unknown,
  isVerbose: boolean,
  write: (line: string) => void,
): number {
  if (isAbort(error)) return exitInterrupted;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitDone;
    write(`nearmiss: ${usageSentence(error)}`);
    return exitUsage;
  }
  write(sentenceOf(error));
  if (isVerbose) for (const line of stackOf(error)) write(line);
  return error instanceof NearmissError ? exitCodes[error.code] : exitFailed;
}

/** Of its two lines the second is "(Did you mean search?)". */
function usageSentence({ message, code }: CommanderError): string {
  const [line = '', guess] = message.replace(/^error: /, '').split('\n');
  const meant = /^\(Did you mean (.+)\?\)$/.exec(guess ?? '')?.[1];
  if (meant !== undefined) return `${line}. Did you mean ${meant}?`;
  return code === 'commander.unknownCommand' ? `${line}. \`nearmiss --help\` lists them` : line;
}

function sentenceOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof NearmissError)
    return `nearmiss: ${message}${error.advice ? `. ${error.advice}` : ''}`;
  return `nearmiss: an unexpected failure: ${message.split('\n')[0]}. Run it again with --verbose to see where`;
}

function stackOf(error: unknown): string[] {
  const lines: string[] = [];
  for (let current = error; current instanceof Error; current = current.cause)
    lines.push(current.stack ?? current.message);
  return lines;
}
