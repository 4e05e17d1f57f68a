import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { NearmissError } from '../../src/base/errors';
import { unreadable, unwritable } from '../../src/base/fileFailure';
import { temporaryFolder } from '../support/temporaryFolder';

/** What is said of the failure that `act` meets. */
function said(act: () => void, tell: (error: unknown) => unknown): string {
  try {
    act();
  } catch (error) {
    const told = tell(error);
    assert.ok(told instanceof NearmissError, `${String(told)} is none of ours`);
    return `${told.message}. ${told.advice}`;
  }
  return 'nothing failed';
}

test('says in a sentence why a file was not read or written', () => {
  const folder = temporaryFolder(after);
  const read = (file: string): string =>
    said(
      () => fs.readFileSync(file),
      (error) => unreadable(file, error),
    );
  const write = (file: string): string =>
    said(
      () => fs.writeFileSync(file, ''),
      (error) => unwritable(file, error),
    );
  const missing = path.join(folder, 'no/such.jsonl');
  assert.equal(read(missing), `There is no file ${missing}. Check the path`);
  assert.equal(write(missing), `There is no folder ${path.dirname(missing)}. Check the path`);
  assert.equal(read(folder), `${folder} is a folder. Name a file`);
  assert.equal(write(folder), `${folder} is a folder. Name a file`);
});

test('names permissions, a full disk, and the code of what is rarer', () => {
  const failed = (code: string): Error => Object.assign(new Error('x'), { code });
  const tell = (tell: typeof unreadable, code: string): string =>
    said(
      () => {
        throw failed(code);
      },
      (error) => tell('a', error),
    );
  const advice = 'Change its permissions, or name another file';
  assert.equal(tell(unreadable, 'EACCES'), `You may not read a. ${advice}`);
  assert.equal(tell(unwritable, 'EROFS'), `You may not write a. ${advice}`);
  assert.equal(tell(unwritable, 'ENOSPC'), 'The disk is full: a. Free some space, then try again');
  assert.equal(tell(unreadable, 'EMFILE'), 'a cannot be read (EMFILE). Name another file');
});

test('leaves alone what is no failure of the system', () => {
  const [own, bug] = [new NearmissError('usage', 'too large'), new Error('x')];
  assert.deepEqual([unreadable('a', own), unwritable('a', bug)], [own, bug]);
});
