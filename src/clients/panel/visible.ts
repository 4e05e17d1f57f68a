/**
 * Text of files and file names, made safe to look at: characters that are invisible, turn the order of what follows
 * or drive a terminal are shown by their code. Markup needs no care here; it is only ever set as text.
 */

/** Controls and formatting characters (bidi, zero width, tags) but the tab, line and paragraph separators. */
const unseen = /(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text with each such character as its code: "[U+202E]". */
export function visible(text: string): string {
  return text.replace(unseen, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
  });
}
