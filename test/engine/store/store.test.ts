import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { removeIndexFiles } from '../../../src/engine/store/indexFiles';
import {
  openEmbeddingCache,
  openFolderReader,
  openFolderWriter,
} from '../../../src/engine/store/store';
import { termsOf } from '../../../src/engine/store/terms';
import type {
  ChunkRow,
  FolderReader,
  FolderWriter,
  Snapshot,
} from '../../../src/engine/store/types';
import { SPACE, chunkOf, indexPaths, putTexts, textsOf, unit } from '../../support/folderIndex';
import { leavesNothing } from '../../support/leaks';
import { temporaryFolder } from '../../support/temporaryFolder';

leavesNothing();
const root = temporaryFolder(after);
let folderCount = 0;

interface World {
  readonly folder: string;
  readonly index: string;
  readonly embeddings: string;
  readonly writer: FolderWriter;
  readonly reader: FolderReader;
}

/** An empty index with a writer and a reader, closed when the body ends. */
async function inWorld(body: (world: World) => void | Promise<void>): Promise<void> {
  const folder = path.join(root, String(++folderCount));
  fs.mkdirSync(folder);
  const { index, embeddings } = indexPaths(folder);
  const writer = openFolderWriter(index, { embeddingsFile: embeddings });
  const reader = openFolderReader(index, { spaceId: SPACE, embeddingsFile: embeddings });
  try {
    await body({ folder, index, embeddings, writer, reader });
  } finally {
    reader.dispose();
    writer.dispose();
  }
}

function look<T>(reader: FolderReader, body: (snapshot: Snapshot) => T): T {
  const snapshot = reader.snapshot();
  try {
    return body(snapshot);
  } finally {
    snapshot.dispose();
  }
}

function found(reader: FolderReader, term: string): string[] {
  return look(reader, (snapshot) =>
    textsOf(snapshot, snapshot.searchWords({ terms: [term] }, 10)).sort(),
  );
}

/** Embeds everything pending: `vectorOf` says how, undefined leaves a chunk out. */
function embedAll(
  { writer, embeddings }: World,
  vectorOf: (text: string) => Float32Array | undefined,
  spaceId = SPACE,
): string[] {
  const cache = openEmbeddingCache(embeddings);
  const pending = writer.pendingEmbeddings(spaceId, 1000);
  const entries = pending.flatMap(({ embeddingKey: key, text }) => {
    const vector = vectorOf(text);
    return vector ? [{ key, vector }] : [];
  });
  cache.put(spaceId, entries);
  cache.dispose();
  writer.counts(spaceId);
  return pending.map(({ text }) => text);
}

test('gives back documents and chunks as they were stored', () =>
  inWorld(({ writer, reader }) => {
    const chunk = chunkOf('class A {}', 3, {
      kind: 'definition',
      symbol: 'A > b',
      definitions: ['b', 'a'],
    });
    const document = {
      path: 'a.ts',
      language: 'typescript',
      hash: 'ff',
      sizeBytes: 7,
      mtimeMs: 1.5,
    };
    writer.putDocument(document, 'lines', [chunk]);
    look(reader, (snapshot) => {
      const row = { id: 1, tier: 'lines', ...document };
      assert.deepEqual(snapshot.document('a.ts'), row);
      assert.deepEqual(writer.documents(), new Map([['a.ts', row]]));
      const { span, kind, symbol, definitions, text } = chunk;
      const rows = snapshot.chunks([1, 99]);
      assert.deepEqual(rows.map(plain), [
        {
          id: 1,
          documentId: 1,
          path: 'a.ts',
          language: 'typescript',
          span,
          kind,
          symbol,
          definitions,
          text,
        },
      ]);
      assert.deepEqual(snapshot.counts, {
        documentCount: 1,
        chunkCount: 1,
        syntaxDocumentCount: 0,
        embeddableCount: 1,
        embeddedCount: 0,
        skippedCount: 0,
      });
    });
  }));

/** A row with everything that is read only when asked for. */
function plain(row: ChunkRow): ChunkRow {
  const { id, documentId, path, language, span, kind, symbol, definitions, text } = row;
  return { id, documentId, path, language, span, kind, symbol, definitions, text };
}

test('replaces a document with all its chunks, and never gives a chunk id twice', () =>
  inWorld(({ writer, reader }) => {
    putTexts(writer, 'a.ts', ['old one', 'old two'], { definitions: ['old'] });
    putTexts(writer, 'a.ts', ['new'], { definitions: ['fresh'] });
    look(reader, (snapshot) => {
      assert.deepEqual(snapshot.chunks([1, 2]), []);
      assert.deepEqual(
        snapshot.chunks([3]).map(({ text }) => text),
        ['new'],
      );
      assert.deepEqual(snapshot.chunksDefining('old'), []);
      assert.deepEqual(snapshot.chunksDefining('fresh'), [3]);
      assert.equal(snapshot.counts.documentCount, 1);
    });
    assert.deepEqual(found(reader, 'old'), []);
    writer.removeDocuments(['a.ts']);
    putTexts(writer, 'b.ts', ['later']);
    look(reader, (snapshot) => assert.deepEqual(snapshot.chunks([4])[0]?.text, 'later'));
  }));

test('finds definitions by their case, or without when asked', () =>
  inWorld(({ writer, reader }) => {
    putTexts(writer, 'a.ts', ['x'], { definitions: ['Session', 'session'] });
    putTexts(writer, 'b.ts', ['y'], { definitions: ['session'] });
    look(reader, (snapshot) => {
      assert.deepEqual(snapshot.chunksDefining('Session'), [1]);
      assert.deepEqual(snapshot.chunksDefining('session'), [1, 2]);
      assert.deepEqual(snapshot.chunksDefining('SESSION'), []);
      assert.deepEqual(snapshot.chunksDefining('SESSION', { ignoreCase: true }), [1, 2]);
    });
  }));

test('finds the chunks at lines of a document', () =>
  inWorld(({ writer, reader }) => {
    putTexts(writer, 'a.ts', ['line 0', 'line 1', 'line 2', 'line 3']);
    look(reader, (snapshot) => {
      const at = (start: number, end: number): string[] =>
        snapshot.chunksAt('a.ts', start, end).map(({ text }) => text);
      assert.deepEqual(at(1, 3), ['line 1', 'line 2']);
      assert.deepEqual(at(3, 9), ['line 3']);
      assert.deepEqual(at(4, 9), []);
      assert.deepEqual(snapshot.chunksAt('none.ts', 0, 9), []);
    });
  }));

test('lets only chunks through that fulfil the filter, in words and both embeddings', () =>
  inWorld(async (world) => {
    const { writer, reader } = world;
    const more = { staticEmbedding: Int8Array.of(127, 0) };
    putTexts(writer, 'src/a.ts', ['apple 1'], more);
    putTexts(writer, 'src/b.py', ['apple 2'], more);
    putTexts(writer, 'test/c.ts', ['apple 3'], { ...more, kind: 'test' });
    embedAll(world, () => unit(1, 0));
    await reader.refresh();
    const cases = [
      [{}, '123'],
      [{ languages: new Set(['python']) }, '2'],
      [{ kinds: new Set(['test'] as const) }, '3'],
      [{ path: (name: string) => name.startsWith('src/') }, '12'],
      [{ path: (name: string) => name.endsWith('.ts'), kinds: new Set(['code'] as const) }, '1'],
      [{ languages: new Set(['ruby']) }, ''],
    ] as const;
    look(reader, (snapshot) => {
      for (const [filter, expected] of cases) {
        const ranked = [
          snapshot.searchWords({ terms: ['appl'] }, 10, filter),
          snapshot.searchVectors(SPACE, unit(1, 0), 10, filter),
          snapshot.searchStatic(unit(1, 0), 10, filter),
        ];
        for (const list of ranked) {
          assert.equal(
            list.map(({ chunkId }) => chunkId).join(''),
            expected,
            JSON.stringify(filter),
          );
        }
      }
    });
  }));

test('keeps a snapshot as it was while documents are replaced and removed', () =>
  inWorld(async (world) => {
    const { writer, reader } = world;
    putTexts(writer, 'a.ts', ['apple old'], { staticEmbedding: Int8Array.of(127, 0) });
    putTexts(writer, 'b.ts', ['apple gone'], { staticEmbedding: Int8Array.of(0, 127) });
    embedAll(world, () => unit(1, 0));
    await reader.refresh();
    const before = reader.snapshot();
    putTexts(writer, 'a.ts', ['apple new'], { staticEmbedding: Int8Array.of(127, 0) });
    writer.removeDocuments(['b.ts']);
    const between = reader.snapshot();
    embedAll(world, () => unit(1, 0));
    await reader.refresh();
    const after = reader.snapshot();
    const seen = (snapshot: Snapshot): unknown => ({
      paths: snapshot.paths(),
      words: textsOf(snapshot, snapshot.searchWords({ terms: ['appl'] }, 9)).sort(),
      vectors: textsOf(snapshot, snapshot.searchVectors(SPACE, unit(1, 0), 9)),
      statics: textsOf(snapshot, snapshot.searchStatic(unit(1, 0), 9)),
      embedded: snapshot.counts.embeddedCount,
    });
    const old = ['apple old', 'apple gone'];
    assert.deepEqual(seen(before), {
      paths: ['a.ts', 'b.ts'],
      words: [...old].sort(),
      vectors: old,
      statics: old,
      embedded: 2,
    });
    const now = { paths: ['a.ts'], words: ['apple new'] };
    assert.deepEqual(seen(between), { ...now, vectors: [], statics: [], embedded: 0 });
    const whole = { ...now, vectors: ['apple new'], statics: ['apple new'], embedded: 1 };
    assert.deepEqual(seen(after), whole);
    for (const snapshot of [before, between, after]) snapshot.dispose();
  }));

test('makes several calls one transaction, and undoes them together', () =>
  inWorld(({ writer, reader }) => {
    assert.throws(
      () =>
        writer.transaction(() => {
          putTexts(writer, 'a.ts', ['apple']);
          writer.setMeta('pass', '1');
          throw new Error('on purpose');
        }),
      /on purpose/,
    );
    assert.deepEqual(found(reader, 'appl'), []);
    assert.equal(writer.getMeta('pass'), undefined);
    writer.transaction(() => {
      putTexts(writer, 'a.ts', ['apple']);
      writer.touchDocument('a.ts', 5, 6);
      writer.setMeta('pass', '2');
      assert.deepEqual(found(reader, 'appl'), []);
    });
    assert.deepEqual(found(reader, 'appl'), ['apple']);
    look(reader, (snapshot) => {
      assert.equal(snapshot.getMeta('pass'), '2');
      assert.equal(snapshot.document('a.ts')?.mtimeMs, 5);
      assert.equal(snapshot.document('a.ts')?.sizeBytes, 6);
    });
  }));

test('notes what was left out', () =>
  inWorld(({ writer, reader }) => {
    writer.setSkipped([{ path: 'x', reason: 'binary' }]);
    const skipped = [
      { path: '.env', reason: 'secret', detail: 'name' },
      { path: 'big', reason: 'tooLarge', detail: undefined },
    ] as const;
    writer.setSkipped(skipped);
    look(reader, (snapshot) => {
      assert.deepEqual(snapshot.skipped(), skipped);
      assert.equal(snapshot.counts.skippedCount, 2);
    });
  }));

test('asks for embeddings of wanted documents first, and never for what is there', () =>
  inWorld((world) => {
    const { writer } = world;
    putTexts(writer, 'a.ts', ['one', 'two']);
    putTexts(writer, 'b.ts', ['three']);
    putTexts(writer, 'c.ts', ['windowed'], { embeddingKey: undefined });
    const id = writer.documents().get('b.ts')!.id;
    const texts = (limit: number): string[] =>
      writer.pendingEmbeddings(SPACE, limit, [id]).map(({ text }) => text);
    assert.deepEqual(texts(9), ['three', 'one', 'two']);
    assert.deepEqual(texts(2), ['three', 'one']);
    embedAll(world, (text) => (text === 'one' ? undefined : unit(1, 0)));
    assert.deepEqual(texts(9), ['one']);
    assert.equal(writer.counts(SPACE).embeddedCount, 2);
    assert.equal(writer.counts(SPACE).embeddableCount, 3);
    assert.equal(writer.counts('other').embeddedCount, 0);
  }));

test('embeds nothing again that any folder embedded before', () =>
  inWorld(async (world) => {
    const { writer, reader, folder, embeddings } = world;
    putTexts(writer, 'a.ts', ['shared', 'own']);
    embedAll(world, () => unit(0, 1));
    const second = openFolderWriter(path.join(folder, 'second.db'), { embeddingsFile: embeddings });
    putTexts(second, 'moved/a.ts', ['shared', 'fresh']);
    assert.deepEqual(
      second.pendingEmbeddings(SPACE, 9).map(({ text }) => text),
      ['fresh'],
    );
    second.dispose();
    writer.removeDocuments(['a.ts']);
    putTexts(writer, 'b.ts', ['own']);
    await reader.refresh();
    look(reader, (snapshot) =>
      assert.deepEqual(textsOf(snapshot, snapshot.searchVectors(SPACE, unit(0, 1), 9)), ['own']),
    );
    assert.deepEqual(writer.pendingEmbeddings(SPACE, 9), []);
  }));

test('never mixes the embeddings of two spaces', () =>
  inWorld(async (world) => {
    const { writer, reader } = world;
    putTexts(writer, 'a.ts', ['one', 'two']);
    embedAll(world, () => unit(1, 0));
    await reader.refresh();
    assert.deepEqual(
      embedAll(world, (text) => (text === 'one' ? unit(0, 1) : undefined), 'other'),
      ['one', 'two'],
    );
    assert.equal(writer.counts('other').embeddedCount, 1);
    await reader.refresh();
    look(reader, (snapshot) => {
      assert.deepEqual(snapshot.searchVectors('other', unit(0, 1), 9), []);
      assert.deepEqual(
        snapshot.vectorScores(SPACE, unit(1, 0), [1, 2, 7]),
        new Map([
          [1, 1],
          [2, 1],
        ]),
      );
    });
    assert.deepEqual(
      embedAll(world, () => unit(1, 0)),
      [],
      'back again, all is known',
    );
    assert.equal(writer.counts(SPACE).embeddedCount, 2);
  }));

test('scores single chunks and takes their mean', () =>
  inWorld(async (world) => {
    const { writer, reader } = world;
    const vectors = [unit(1, 0), unit(0, 1), unit(-1, 0)];
    const texts = ['one', 'two', 'three', 'bare'];
    putTexts(writer, 'a.ts', texts, { staticEmbedding: Int8Array.of(0, -127) });
    embedAll(world, (text) => vectors[texts.indexOf(text)]);
    await reader.refresh();
    look(reader, (snapshot) => {
      assert.deepEqual(
        snapshot.vectorScores(SPACE, unit(1, 0), [4, 3, 2, 1]),
        new Map([
          [3, -1],
          [2, 0],
          [1, 1],
        ]),
      );
      assert.deepEqual(snapshot.staticScores(unit(0, 1), [1]), new Map([[1, -1]]));
      assert.deepEqual(snapshot.staticScores(unit(0, 1, 0), [1]), new Map());
      assert.deepEqual(snapshot.meanVector(SPACE, [1, 2, 4]), unit(1, 1));
      assert.equal(snapshot.meanVector(SPACE, [1, 3]), undefined);
      assert.equal(snapshot.meanVector(SPACE, [4]), undefined);
      assert.deepEqual(snapshot.searchVectors(SPACE, unit(1, 0, 0), 9), []);
      assert.equal(snapshot.searchVectors(SPACE, unit(1, 0), 2)[1]?.chunkId, 2);
    });
  }));

test('answers nothing while there is no index, and finds it when it comes', async () => {
  const { index } = indexPaths(path.join(root, 'later'));
  const reader = openFolderReader(index);
  await reader.refresh();
  look(reader, (snapshot) => {
    assert.deepEqual(snapshot.searchWords({ terms: ['a'] }, 9), []);
    assert.deepEqual(snapshot.paths(), []);
    assert.equal(snapshot.counts.chunkCount, 0);
  });
  fs.mkdirSync(path.dirname(index));
  const writer = openFolderWriter(index);
  putTexts(writer, 'a.ts', ['apple']);
  assert.deepEqual(found(reader, 'appl'), ['apple']);
  writer.dispose();
  reader.dispose();
});

test(
  'follows an index that was removed and built anew',
  { skip: process.platform === 'win32' && 'open files cannot be removed there' },
  () =>
    inWorld(async (world) => {
      const { writer, reader, folder, index, embeddings } = world;
      putTexts(writer, 'a.ts', ['apple old'], { staticEmbedding: Int8Array.of(127, 0) });
      embedAll(world, () => unit(1, 0));
      await reader.refresh();
      const held = reader.snapshot();
      removeIndexFiles(folder);
      assert.deepEqual(found(reader, 'appl'), []);
      const second = openFolderWriter(index, { embeddingsFile: embeddings });
      putTexts(second, 'a.ts', ['apple new'], { staticEmbedding: Int8Array.of(0, 127) });
      assert.deepEqual(found(reader, 'appl'), ['apple new']);
      look(reader, (snapshot) =>
        assert.deepEqual(snapshot.searchVectors(SPACE, unit(1, 0), 9), []),
      );
      await reader.refresh();
      look(reader, (snapshot) => {
        assert.deepEqual(snapshot.searchStatic(unit(0, 1), 9), [{ chunkId: 1, score: 1 }]);
      });
      assert.deepEqual(textsOf(held, held.searchWords({ terms: ['appl'] }, 9)), ['apple old']);
      held.dispose();
      second.dispose();
    }),
);

/** What a person could do to a folder, and what must then be found. */
const steps = fc.array(
  fc.record({
    path: fc.constantFrom('a.ts', 'b.ts', 'c.ts'),
    texts: fc.option(fc.array(fc.constantFrom('red', 'green', 'blue', 'grey'), { maxLength: 4 })),
    isEmbedded: fc.boolean(),
    isRefreshed: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8 },
);

test('finds exactly what is stored, by words and by embeddings, after any changes', async () => {
  await fc.assert(
    fc.asyncProperty(steps, (list) =>
      inWorld(async (world) => {
        const { writer, reader } = world;
        const model = new Map<string, readonly string[]>();
        for (const { path: name, texts, isEmbedded, isRefreshed } of list) {
          if (texts) {
            const more = { staticEmbedding: Int8Array.of(0, 127) };
            putTexts(writer, name, texts, more);
            model.set(name, texts);
          } else {
            writer.removeDocuments([name]);
            model.delete(name);
          }
          if (isEmbedded) embedAll(world, () => unit(1, 0));
          if (isRefreshed) await reader.refresh();
        }
        embedAll(world, () => unit(1, 0));
        await reader.refresh();
        const all = [...model.values()].flat().sort();
        look(reader, (snapshot) => {
          const terms = termsOf('red green blue grey');
          const byWords = textsOf(snapshot, snapshot.searchWords({ terms }, 99));
          const byVectors = textsOf(snapshot, snapshot.searchVectors(SPACE, unit(1, 0), 99));
          const byStatics = textsOf(snapshot, snapshot.searchStatic(unit(0, 1), 99));
          assert.deepEqual([byWords.sort(), byVectors.sort(), byStatics.sort()], [all, all, all]);
          assert.deepEqual(snapshot.paths(), [...model.keys()].sort());
          assert.equal(snapshot.counts.embeddedCount, all.length);
          assert.equal(snapshot.documentFrequency('red'), all.filter((t) => t === 'red').length);
        });
      }),
    ),
    { numRuns: 25 },
  );
});
