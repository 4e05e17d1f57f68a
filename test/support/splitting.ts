/** What the tests of the splitters share: documents from texts, a token counter, and what must hold for chunks. */
import * as assert from 'node:assert';
import type { Chunk, Document } from '../../src/engine/documents/document';
import { languageOf } from '../../src/engine/documents/language';

/** A document as the reader would give it; the language follows from the path unless given. */
export function documentOf(path: string, text: string, language = languageOf(path)): Document {
  return { path, language, text, hash: '', sizeBytes: text.length, mtimeMs: 0 };
}

/** Counts words and other marks: near what the bundled tokenizer says, and easy to count by hand. */
export function countWords(text: string): number {
  return text.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu)?.length ?? 0;
}

/**
 * Fails unless each chunk is the text of its span (or a part of its only row), none is blank, they come in
 * order, and together they hold every character of the text that is not blank, once.
 */
export function checkChunksCover(text: string, chunks: readonly Chunk[]): void {
  const rows = text.split('\n');
  let next = 0;
  for (const { span, text: content } of chunks) {
    const spanText = rows.slice(span.start, span.end).join('\n');
    assert.ok(0 <= span.start && span.start < span.end && span.end <= rows.length);
    if (content !== spanText) {
      assert.strictEqual(span.end - span.start, 1, 'only a part of one row may be a chunk');
      assert.ok(spanText.includes(content));
    }
    assert.match(content, /\S/);
    assert.ok(span.start >= next, 'chunks come in order');
    next = content === spanText ? span.end : span.start;
  }
  assert.strictEqual(solid(chunks.map((chunk) => chunk.text).join('')), solid(text));
}

function solid(text: string): string {
  return text.replaceAll(/\s/g, '');
}
