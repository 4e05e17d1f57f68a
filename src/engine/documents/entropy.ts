/** Whether a value that a name calls secret looks made by chance, as keys are, or by a person, as code is. */

/**
 * True when `value` is probably a key. `name` is what it is assigned to: where that says only "key", a plain hash
 * is let through, because caches and locks are full of them.
 */
export function isHighEntropy(name: string, value: string): boolean {
  const bare = value.replace(/^(?:bearer|basic) /i, '');
  if (bare.length < MIN_LENGTH || isPlaceholder(bare) || isPublicName(name)) return false;
  const isHex = /^(?:0x)?[0-9a-f-]+$/i.test(bare);
  if (isHex) return bare.length >= 32 && !UUID.test(bare) && !isHash(name, bare) && bits(bare) >= 3;
  if (!/\d/.test(bare) || !/[a-z]/i.test(bare)) return false;
  return bits(bare) >= 3.4 && classChangeShare(bare) >= 0.28 && !isMadeOfWords(bare);
}

/** Shortest value that is looked at: 20 characters of base64 carry 120 bits. */
const MIN_LENGTH = 20;

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Shannon entropy in bits a character, from the characters of the value itself. */
function bits(value: string): number {
  const counts = new Map<string, number>();
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1);
  let sum = 0;
  for (const count of counts.values()) sum -= count * Math.log2(count / value.length);
  return sum / value.length;
}

/** How often lower case, upper case, digits and signs take turns, per character; .6 by chance, .2 in identifiers. */
function classChangeShare(value: string): number {
  let changes = 0;
  for (let i = 1; i < value.length; i++) {
    if (charClass(value.charCodeAt(i)) !== charClass(value.charCodeAt(i - 1))) changes++;
  }
  return changes / (value.length - 1);
}

function charClass(code: number): number {
  if (97 <= code && code <= 122) return 0;
  if (65 <= code && code <= 90) return 1;
  return 48 <= code && code <= 57 ? 2 : 3;
}

/** Names and paths: most of the value is in runs of four and more letters of one case. */
function isMadeOfWords(value: string): boolean {
  const inWords = (value.match(/[A-Z]?[a-z]{3,}|[A-Z]{4,}/g) ?? []).join('').length;
  return inWords > value.length * 0.6;
}

function isPlaceholder(value: string): boolean {
  return (
    /your|example|placeholder|change.?me|dummy|sample|redacted|xxxx|\.\.\.|\*\*\*|1234567890|abcdef/i.test(
      value,
    ) ||
    /^[$%<{]|process\.env|os\.environ|getenv|\$\{|\{\{/.test(value) ||
    /^(?:\.{0,2}\/|[a-z]:\\|https?:)/i.test(value)
  );
}

function isPublicName(name: string): boolean {
  return /public|pubkey|cache|primary|foreign|sort|partition|index|keyboard|keyword|keyframe|keypress|author|tokeniz/i.test(
    name,
  );
}

function isHash(name: string, value: string): boolean {
  const isBareKey = !/secret|token|pass|credential|api|private|access/i.test(name);
  return isBareKey && [32, 40, 56, 64, 96, 128].includes(value.length);
}
