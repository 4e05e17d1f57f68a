/** Damage on purpose: what a full disk, a dying machine or a bad sector leaves of a file. */
import * as fs from 'node:fs';

/** Flips one bit of the byte at `offset`; a negative offset counts from the end. */
export function flipBit(file: string, offset: number): void {
  const bytes = fs.readFileSync(file);
  const at = offset < 0 ? bytes.length + offset : offset;
  bytes[at] = (bytes[at] ?? 0) ^ 0b0001_0000;
  fs.writeFileSync(file, bytes);
}

/** Keeps the first `share` (0 to 1) of a file. */
export function cutFile(file: string, share: number): void {
  fs.truncateSync(file, Math.floor(fs.statSync(file).size * share));
}
