/**
 * Zip archives that nobody vouches for. Only members that are asked for are unpacked, never more than the limit in all,
 * and never more of one than its directory says.
 */
import { unzipSync } from 'fflate';
import { type ConversionLimits, NotConvertible } from './converted';

/** Members of one archive; office documents have some hundreds. */
const mostMembers = 20_000;

/** The members whose names are wanted. Throws NotConvertible for bombs and encrypted archives. */
export function unpack(
  bytes: Uint8Array,
  isWanted: (name: string) => boolean,
  limits: ConversionLimits,
): Map<string, Uint8Array> {
  if (isOldOfficeFile(bytes))
    throw new NotConvertible('it is encrypted, or in the format of before 2007');
  let total = 0;
  let count = 0;
  let isEncrypted = false;
  const members = unzipSync(bytes, {
    filter({ name, originalSize }) {
      if (++count > mostMembers) throw new NotConvertible('its archive has too many members');
      if (name === 'EncryptedPackage' || name === 'META-INF/encryption.xml') isEncrypted = true;
      if (!isWanted(name)) return false;
      total += originalSize;
      if (total > limits.maxUnpackedBytes)
        throw new NotConvertible(
          `it would unpack to more than ${limits.maxUnpackedBytes.toLocaleString('en')} bytes`,
        );
      return true;
    },
  });
  if (isEncrypted) throw new NotConvertible('it is encrypted');
  return new Map(Object.entries(members));
}

/** The container of Word before 2007, which also wraps encrypted documents of today. */
function isOldOfficeFile(bytes: Uint8Array): boolean {
  return [0xd0, 0xcf, 0x11, 0xe0].every((byte, index) => bytes[index] === byte);
}

export function textOf(member: Uint8Array): string {
  return new TextDecoder('utf-8').decode(member);
}
