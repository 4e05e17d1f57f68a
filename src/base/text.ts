/** Plain text, compared as people mean it. */

/** What two typings of one text have in common: case and spaces do not count. */
export function foldText(text: string): string {
  return text.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase();
}
