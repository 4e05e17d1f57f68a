/**
 * The text that both encoders read for a chunk. Path words are worth .02 nDCG on the development sets,
 * so the last three path segments come first; the symbol path follows where the text does not say it.
 */
import type { Chunk } from './document';

/** Last three path segments, a line break, the symbol path unless each of its names is in the text, the content. */
export function encoderText(path: string, chunk: Pick<Chunk, 'symbol' | 'text'>): string {
  const head = path.split('/').slice(-3).join('/');
  const names = chunk.symbol === '' ? [] : chunk.symbol.split(' > ');
  const isNamed = names.every((name) => chunk.text.includes(name));
  return isNamed ? `${head}\n${chunk.text}` : `${head}\n${chunk.symbol}\n${chunk.text}`;
}
