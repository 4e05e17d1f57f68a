/** Embeddings of marks' queries: made once, kept beside the marks, gone with them. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import type { Embedder } from '../../src/engine/encoders/types';
import { FolderMarks } from '../../src/engine/feedback/marks';
import { MarkInfluences } from '../../src/engine/markInfluence';
import { temporaryFolder } from '../support/temporaryFolder';
import { hashVector, TOY_SPACE, toyEmbedder } from '../support/toyIndexing';

const root = temporaryFolder(after);
let count = 0;

interface Marked {
  readonly folder: string;
  readonly marks: FolderMarks;
  /** As after a start: nothing in memory. */
  readonly open: () => MarkInfluences;
}

async function mark(...queries: string[]): Promise<Marked> {
  const folder = path.join(root, `${count++}`);
  const marks = await FolderMarks.open(path.join(folder, 'journal.jsonl'), '/code');
  for (const query of queries)
    await marks.add({
      query,
      path: 'a.ts',
      start: 1,
      end: 2,
      symbol: '',
      hash: 'abc',
      verdict: 'relevant',
      time: '2026-11-25T12:00:00.000Z',
      checkpoint: '',
    });
  return { folder, marks, open: () => new MarkInfluences(marks, folder) };
}

/** Embeds by hash and notes what. */
function countingEmbedder(id: string = TOY_SPACE.id): Embedder & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    ...toyEmbedder(),
    space: { ...TOY_SPACE, id },
    asked,
    async embedQuery(text) {
      asked.push(text);
      return hashVector(text);
    },
  };
}

async function vectorsOf(
  influences: MarkInfluences,
  embedder: Embedder,
): Promise<(readonly number[] | undefined)[]> {
  const marks = await influences.current({ embedder });
  return marks.map(({ vector }) => vector && [...vector]);
}

test('embeds each query once, without its syntax, and has it after the next start', async () => {
  const { open } = await mark('Retry uploads lang:ts', 'other');
  const first = countingEmbedder();
  const influences = open();
  assert.deepEqual(await vectorsOf(influences, first), [undefined, undefined]);
  await Promise.all([influences.fill({ embedder: first }), influences.fill({ embedder: first })]);
  assert.deepEqual(first.asked, ['Retry uploads', 'other']);
  const expected = [[...hashVector('Retry uploads')], [...hashVector('other')]];
  assert.deepEqual(await vectorsOf(influences, first), expected);
  const second = countingEmbedder();
  const again = open();
  await again.fill({ embedder: second });
  assert.deepEqual(second.asked, []);
  assert.deepEqual(await vectorsOf(again, second), expected);
});

test('keeps the embeddings of two checkpoints apart', async () => {
  const { open } = await mark('one');
  const influences = open();
  await influences.fill({ embedder: countingEmbedder() });
  const other = countingEmbedder('other-space');
  assert.deepEqual(await vectorsOf(influences, other), [undefined]);
  await influences.fill({ embedder: other });
  assert.deepEqual(other.asked, ['one']);
});

test('embeds nothing that the model does not know', async () => {
  const { open } = await mark('アップロード', 'upload');
  const tokenizer = {
    ...{ clsId: 0, sepId: 0, padId: 0, vocabularySize: 1 },
    encode: () => [],
    countTokens: () => 1,
    unknownShare: (text: string) => (/[ァ-ー]/.test(text) ? 1 : 0),
  };
  const embedder = countingEmbedder();
  const influences = open();
  await influences.fill({ embedder, tokenizer });
  assert.deepEqual(embedder.asked, ['upload']);
  const [foreign] = await influences.current({ embedder, tokenizer });
  assert.equal(foreign!.query, 'アップロード');
});

test('makes anew what is damaged, and leaves nothing behind when it is cleared', async () => {
  const { folder, open } = await mark('one', 'two');
  await open().fill({ embedder: countingEmbedder() });
  const [name] = fs.readdirSync(folder).filter((each) => each.startsWith('queries-'));
  const file = path.join(folder, name!);
  const [first] = fs.readFileSync(file, 'utf8').split('\n');
  fs.writeFileSync(file, `${first!.slice(0, -7)}\nnonsense\n`);
  const embedder = countingEmbedder();
  const influences = open();
  await influences.fill({ embedder });
  assert.deepEqual(embedder.asked, ['one', 'two']);
  await influences.clear();
  assert.deepEqual(fs.readdirSync(folder), ['journal.jsonl']);
});

test('knows a change of the marks at once', async () => {
  const { marks, open } = await mark('one', 'two');
  const embedder = countingEmbedder();
  const influences = open();
  await influences.fill({ embedder });
  assert.equal((await influences.current({ embedder })).length, 2);
  const [, last] = await influences.current({ embedder });
  await marks.undo();
  assert.deepEqual(
    (await influences.current({ embedder })).map(({ id }) => id === last!.id),
    [false],
  );
});
