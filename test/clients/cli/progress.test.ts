/** What is told while a folder is indexed: how far it is, and once why that is slow. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { lineView, progressText } from '../../../src/clients/cli/progress';
import type { FolderStatus } from '../../../src/protocol/types';

const embedding: FolderStatus = {
  folderId: 'id',
  folder: '/f',
  state: 'embedding',
  documentCount: 3,
  wordDocumentCount: 3,
  staticDocumentCount: 3,
  embeddableCount: 1200,
  embeddedCount: 300,
  skippedCount: 0,
  fraction: 0.5,
  isComplete: false,
};
const reason = 'Other programs keep this machine busy';

test('says a reason once, each time that it begins', () => {
  const written: string[] = [];
  const stream = new Writable({
    write(bytes: Buffer, _encoding, done) {
      written.push(bytes.toString());
      done();
    },
  });
  const view = lineView(stream as unknown as NodeJS.WriteStream);
  for (const status of [{}, { reason }, { reason }, {}, { reason }, { state: 'idle', fraction: 1 }])
    view.update({ ...embedding, ...status } as FolderStatus);
  assert.equal(written[0], '50 % embeddings: 300 of 1,200 chunks\n');
  assert.equal(written.at(-1), '100 % done\n');
  // On a crowded machine there may be more lines of progress.
  assert.equal(written.filter((line) => line === `${reason}\n`).length, 2);
});

test('says on one line what is done and why it is slow', () => {
  assert.equal(
    progressText({ ...embedding, reason }),
    `embeddings: 300 of 1,200 chunks (${reason})`,
  );
});
