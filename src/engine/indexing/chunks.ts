/**
 * From a document to the chunks that are stored: cut, keyed by the text that encoders will read, with a
 * static embedding each. The key holds nothing of the folder or the branch, only that text: the same text
 * is embedded once, wherever it is seen again.
 */
import type { Chunk, Document } from '../documents/document';
import { embeddingKey, encoderText } from '../documents/encoderText';
import { quantizeStatic } from '../encoders/staticEncoder';
import type { StaticEncoder } from '../encoders/types';
import type { NewChunk } from '../store/types';

/** Adds to the chunks of a document what is computed from the text that encoders read. */
export function withEmbeddings(
  document: Pick<Document, 'path'>,
  chunks: readonly Chunk[],
  staticEncoder: StaticEncoder | undefined,
): NewChunk[] {
  return chunks.map((chunk) => {
    const text = encoderText(document.path, chunk);
    const staticEmbedding = staticEncoder && quantizeStatic(staticEncoder.embed(text));
    return { ...chunk, embeddingKey: embeddingKey(text), staticEmbedding };
  });
}
