import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { openSource } from '../../../src/engine/indexing/source';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';

const folder = temporaryFolder(after);
fs.mkdirSync(path.join(folder, '.git'));
writeFiles(folder, {
  '.gitignore': 'out/\n*.log\n',
  'src/a.ts': 'let a = 1;\n',
  'src/big.ts': 'x'.repeat(2000),
  'out/b.ts': 'let b = 1;\n',
  'src/deep/out/c.ts': 'let c = 1;\n',
  'notes.log': 'note',
  '.env': 'KEY=1\n',
});
const source = openSource(folder, { maxFileBytes: 1000 });
const never = new AbortController().signal;

test('sees single paths as the walk does', async () => {
  const paths = [
    'src/a.ts',
    'src',
    'src/big.ts',
    'out/b.ts',
    'notes.log',
    '.env',
    'gone.ts',
    'src/a.ts/below.ts',
    '../outside.ts',
  ];
  const seen = await source.examine(paths);
  assert.deepEqual(
    seen.map((each) => (each.kind === 'skipped' ? each.skipped.reason : each.kind)),
    ['file', 'folder', 'tooLarge', 'missing', 'missing', 'secret', 'missing', 'missing', 'missing'],
  );
  const { files } = await source.walk(never);
  const single = seen.flatMap((each) => (each.kind === 'file' ? [each.file] : []));
  assert.deepEqual(
    single,
    files.filter(({ path: name }) => paths.includes(name)),
  );
});

test('lists the folders that the walk never enters', async () => {
  const ignored = await source.ignoredFolders(never);
  assert.deepEqual(ignored.sort(), ['.git', 'out', 'src/deep/out']);
});
