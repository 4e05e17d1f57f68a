/** Clients and engine agree on which files are converted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatOf } from '../../src/engine/documents/convert/converted';
import { isConvertedFile } from '../../src/protocol/convertedFiles';

test('knows the same files as the engine', () => {
  for (const path of ['a.pdf', 'b/C.PDF', 'x.docx', 'x.epub', 'x.html', 'pdf', 'a.pdf.txt', '.doc'])
    assert.equal(isConvertedFile(path), formatOf(path) !== undefined, path);
});
