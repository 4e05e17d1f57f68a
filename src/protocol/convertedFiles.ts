/** Files whose text is got out by conversion: lines of a hit in them are those of that text, not of the file. */
const CONVERTED = /\.(?:pdf|docx|epub)$/i;

/** True for a path of such a file. */
export function isConvertedFile(path: string): boolean {
  return CONVERTED.test(path);
}
