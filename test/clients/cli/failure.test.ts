import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommanderError } from 'commander';
import { AbortedError, NearmissError } from '../../../src/base/errors';
import { reportError } from '../../../src/clients/cli/failure';

function report(error: unknown, isVerbose = false): { code: number; lines: string[] } {
  const lines: string[] = [];
  return { code: reportError(error, isVerbose, (line) => lines.push(line)), lines };
}

test('gives wrong usage 2, failures of engine or index 3, an interruption 130', () => {
  assert.equal(report(new NearmissError('usage', 'a')).code, 2);
  assert.equal(report(new NearmissError('outsideFolder', 'a')).code, 2);
  assert.equal(report(new NearmissError('index', 'a')).code, 3);
  assert.equal(report(new Error('a')).code, 3);
  assert.deepEqual(report(new AbortedError()), { code: 130, lines: [] });
});

test('says an expected failure and what to do in one line', () => {
  assert.deepEqual(report(new NearmissError('index', 'It is damaged', 'Run doctor')).lines, [
    'nearmiss: It is damaged. Run doctor',
  ]);
});

test('shows stacks, causes included, only when asked', () => {
  const error = new NearmissError('index', 'It is damaged', undefined, {
    cause: new Error('deep'),
  });
  assert.equal(report(error).lines.length, 1);
  const verbose = report(error, true).lines.join('\n');
  assert.match(verbose, /at .*failure\.test/);
  assert.match(verbose, /Error: deep/);
});

test('says what a mistyped command may have meant, or where the commands are listed', () => {
  const unknown = (message: string): string =>
    report(new CommanderError(1, 'commander.unknownCommand', message)).lines.join('\n');
  assert.equal(
    unknown("error: unknown command 'serach'\n(Did you mean search?)"),
    "nearmiss: unknown command 'serach'. Did you mean search?",
  );
  assert.equal(
    unknown("error: unknown command 'x'"),
    "nearmiss: unknown command 'x'. `nearmiss --help` lists them",
  );
});
