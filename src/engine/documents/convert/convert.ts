/** One file to text by its format; what goes wrong becomes the sentence that stands under `skipped`. */
import { convertEpub } from './epub';
import { type Converted, NotConvertible } from './converted';
import type { ConvertReply, ConvertRequest } from './messages';
import { convertPdf } from './pdf';
import { convertWord } from './word';

export const damagedSentence = 'it is damaged, or no such document';

export async function convert({
  id,
  format,
  bytes,
  limits,
}: ConvertRequest): Promise<ConvertReply> {
  try {
    const converted = await converters[format](bytes, limits);
    if (!/\S/.test(converted.text)) throw new NotConvertible('it holds no text');
    return { id, type: 'converted', converted };
  } catch (error) {
    if (error instanceof NotConvertible) return { id, type: 'refused', sentence: error.message };
    return { id, type: 'refused', sentence: damagedSentence };
  }
}

const converters: {
  readonly [F in ConvertRequest['format']]: (
    bytes: Uint8Array,
    limits: ConvertRequest['limits'],
  ) => Promise<Converted> | Converted;
} = { pdf: convertPdf, docx: convertWord, epub: convertEpub };
