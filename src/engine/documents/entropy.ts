/**
 * Whether a value that a name calls secret was made by chance, as keys are, or by a person, as code is. Chance
 * spreads evenly over the characters, changes between letters and digits all the time, and spells no words.
 */

/**
 * True when `value` is probably a key. `name` is what it is assigned to: names that say public, hash or identifier
 * are let through, and where a name says no more than "key" so are plain hashes, which caches and locks are full of.
 */
export function isHighEntropy(name: string, value: string): boolean {
  if (value.length < MIN_LENGTH || PUBLIC_NAME.test(name) || NO_SECRET_ENDING.test(name)) {
    return false;
  }
  const own = value.replace(PLACEHOLDERS, '');
  if (isReference(value) || IDENTIFIER.test(value) || own.length < MIN_LENGTH * 0.8) return false;
  if (/^(?:0x)?[0-9a-f-]+$/i.test(value)) return isSecretHex(name, value);
  if (bitsPerCharacter(value) < MIN_BITS || commonPairShare(own) >= MAX_COMMON_PAIR_SHARE) {
    return false;
  }
  return /\d/.test(value) || classChangeShare(value) >= MIN_CLASS_CHANGES_WITHOUT_DIGIT;
}

/** Shortest value that is looked at: 20 characters of base64 carry 120 bits. */
const MIN_LENGTH = 20;

/** Twenty characters by chance from 36 have 3.8 bits each when counted in themselves; English has under 3.4. */
const MIN_BITS = 3.4;

/** Hexadecimal by chance has 3.6 to 4; "deadbeef" again and again has 2.2. */
const MIN_HEX_BITS = 3;

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

function isSecretHex(name: string, value: string): boolean {
  const isHash = [32, 40, 56, 64, 96, 128].includes(value.length) && !SECRET_NAME.test(name);
  const canBeKey = value.length >= 32 && /[a-f]/i.test(value) && !UUID.test(value);
  return canBeKey && !isHash && bitsPerCharacter(value) >= MIN_HEX_BITS;
}

const SECRET_NAME =
  /secret|token|pass|credential|auth|api|private|access|crypt|sign|master|account|hmac|session|cookie/i;

const PUBLIC_NAME =
  /public|pub_?key|cache|primary|foreign|sort|partition|keyboard|keyword|keyframe|author(?!iz)|tokeniz|integrity|checksum/i;

const NO_SECRET_ENDING =
  /(?:hash|id|ids|name|path|file|url|uri|type|prefix|pattern|length|size|sha\d*|digest|fingerprint|version|class)$/i;

/** Shannon entropy from the characters of the value itself. */
function bitsPerCharacter(value: string): number {
  const counts = new Map<string, number>();
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1);
  let sum = 0;
  for (const count of counts.values()) sum -= count * Math.log2(count / value.length);
  return sum / value.length;
}

/** How often lower case, upper case, digits and signs take turns, per character: .6 by chance, .2 in identifiers. */
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

/** Share of neighbouring letters that are common neighbours in words; 0 where there are too few to tell. */
function commonPairShare(value: string): number {
  let pairCount = 0;
  let commonCount = 0;
  for (const [run] of value.toLowerCase().matchAll(/[a-z]{2,}/g)) {
    for (let i = 1; i < run.length; i++) {
      pairCount++;
      if (COMMON_PAIRS.has(run.slice(i - 1, i + 1))) commonCount++;
    }
  }
  return pairCount < 3 ? 0 : commonCount / pairCount;
}

/** Letters by chance reach .19; of 15,751 long names in programs all but those with keys in them were above. */
const MAX_COMMON_PAIR_SHARE = 0.45;

/** Without a digit the value is likelier a name, so more is asked: base64 has .6, "mixedCaseNames" have .2. */
const MIN_CLASS_CHANGES_WITHOUT_DIGIT = 0.35;

/** The 130 commonest neighbours of letters in the words that names in JavaScript, C and Python programs consist of. */
const COMMON_PAIRS: ReadonlySet<string> = new Set(
  `
  ab ac ad ag ai al am an ap ar as at be bl ca ce ch ck cl co cr ct de di ea ec ed ef el em en
  ep er es et ex fi fo ge ha he hi ic id ie if ig il im in io is it iz ke la le li ll lo lu ly
  ma me mi mo mp na nc nd ne ng ni no ns nt nu oc od ol om on oo op or os ot ou ow pa pe pl po
  pr pt ra re ri ro rs rt sa sc se si so sp ss st su ta te th ti to tr ts tt ty ue ul um un ur
  us ut va ve xt ze
  `
    .trim()
    .split(/\s+/),
);

const PLACEHOLDERS =
  /your|example|placeholder|change.?me|dummy|sample|redacted|secret|password|x{4,}|\*{3,}|0{6,}|1234567890|0?123456789|abcdef(?:ghijklmnopqrstuvwxyz)?/gi;

/** Three and more words of letters, joined, each with a number at its end or not: "float_token_2". */
const IDENTIFIER = /^[a-z]+\d{0,3}(?:[_.-][a-z]+\d{0,3}){2,}$/i;

/** The value stands somewhere else: in the environment, in a template, in a file. */
function isReference(value: string): boolean {
  return /^[$%<{]|process\.env|os\.environ|getenv|\$\{|\{\{|^\.{0,2}\/[a-z]/i.test(value);
}
