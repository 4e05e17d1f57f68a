/** The language of a report: its own words, and the engine's sentences that it shows. */
import { english, type Translate } from '../../base/translate';

export interface Words {
  readonly t: Translate;
  /** A sentence of the engine in the reader's language. */
  readonly say: (sentence: string) => string;
  /** For the page: "en", "ja". */
  readonly language: string;
}

export const englishWords: Words = { t: english, say: (sentence) => sentence, language: 'en' };
