/**
 * What must not stand in an index: files made to hold secrets are left out by their path, and keys inside other
 * files are replaced, the file stays. Patterns are bounded and start only where no match could be running
 * already, so time is linear in the text whatever it holds.
 */
import { isHighEntropy } from './entropy';

/** Why a file is taken for a secret by its path ("a private key"), or undefined. */
export function secretPathReason(path: string): string | undefined {
  const lower = path.toLowerCase();
  const name = lower.slice(lower.lastIndexOf('/') + 1);
  if (isTemplate(name)) return undefined;
  return SECRET_PATHS.find(({ pattern, isWholePath }) =>
    pattern.test(isWholePath ? `/${lower}` : name),
  )?.reason;
}

/** The text with what looks like a secret replaced by "[redacted]", as many lines as before, and how many were. */
export function redactSecrets(text: string): { readonly text: string; readonly count: number } {
  let count = 0;
  const note = (): string => {
    count++;
    return REDACTED;
  };
  let redacted = redactKeyBlocks(text, note);
  for (const { anchors, pattern } of KEY_FORMATS) {
    if (anchors.some((anchor) => redacted.includes(anchor))) {
      redacted = redacted.replace(pattern, note);
    }
  }
  redacted = redactAssignments(redacted, note);
  redacted = redacted.replace(URL_PASSWORD, (whole: string, head: string, password: string) =>
    isHighEntropy('password', password) ? `${head}${note()}@` : whole,
  );
  return { text: redacted, count };
}

const REDACTED = '[redacted]';

interface SecretPath {
  readonly pattern: RegExp;
  readonly reason: string;
  /** The pattern is asked about "/the/whole/path" instead of the name. */
  readonly isWholePath?: boolean;
}

/** Lower case. What a template holds is meant to be read: ".env.example". */
function isTemplate(name: string): boolean {
  return /[._-](?:example|sample|template|tmpl|dist|defaults?|schema)(?:\.[a-z0-9]{1,5})?$/.test(
    name,
  );
}

const SECRET_PATHS: readonly SecretPath[] = [
  { pattern: /^\.env(?:$|[._-])|^\.envrc$|\.env$/, reason: 'environment files hold credentials' },
  { pattern: /\.(?:pem|key|ppk|p8|pk8)$/, reason: 'a private key or certificate by its name' },
  {
    // Not programs about keys, such as id_rsa_test.go.
    pattern:
      /^id_(?:rsa|dsa|ecdsa|ed25519)(?!.*\.(?:[cm]?[jt]sx?|py|go|rs|java|c|h|cc|cpp|cs|rb|md)$)/,
    reason: 'an SSH key by its name',
  },
  {
    pattern: /\.(?:p12|pfx|jks|jceks|keystore|truststore|bks|kdbx?|agilekeychain|ovpn)$/,
    reason: 'a key store by its name',
  },
  {
    pattern:
      /^(?:\.npmrc|\.pypirc|\.netrc|_netrc|\.git-credentials|\.pgpass|\.my\.cnf|\.htpasswd|\.terraformrc)$/,
    reason: 'tools keep credentials in it',
  },
  {
    pattern:
      /^(?:\.?credentials|\.dockercfg|\.s3cfg|\.boto|\.vault[-_](?:token|pass))(?:\.(?:json|ya?ml|ini|toml|xml|db|txt|tfrc\.json))?$/,
    reason: 'tools keep credentials in it',
  },
  {
    pattern: /^(?:client[_-])?secrets?(?:\.[a-z0-9_-]{1,30})?\.(?:json|ya?ml|toml|ini|properties)$/,
    reason: 'a file of secrets by its name',
  },
  {
    pattern: /service[_-]?account[a-z0-9_-]{0,60}\.json$|-firebase-adminsdk-[a-z0-9-]{1,60}\.json$/,
    reason: 'a service account by its name',
  },
  {
    pattern: /\.tfstate(?:\.[a-z0-9.]{1,30})?$/,
    reason: 'the state of Terraform holds secrets in clear',
  },
  {
    pattern:
      /\/\.(?:(?:ssh|gnupg|password-store)\/|(?:aws|kube)\/(?:config|credentials)$|docker\/config\.json$)|\/\.config\/(?:gcloud|gh|hub|doctl|op)\//,
    reason: 'tools keep credentials there',
    isWholePath: true,
  },
];

interface KeyFormat {
  /** The pattern is only tried on texts with one of these: looking for a plain string costs next to nothing. */
  readonly anchors: readonly string[];
  readonly pattern: RegExp;
}

// Each starts only where the character before cannot belong to the same run, and each run is bounded.
const KEY_FORMATS: readonly KeyFormat[] = [
  {
    anchors: ['AKIA', 'ASIA', 'ABIA', 'ACCA'], // AWS
    pattern: /(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])/g,
  },
  {
    anchors: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], // GitHub
    pattern: /(?<![A-Za-z0-9_])gh[pousr]_[A-Za-z0-9]{36,255}/g,
  },
  { anchors: ['github_pat_'], pattern: /(?<![A-Za-z0-9_])github_pat_[A-Za-z0-9_]{50,255}/g },
  { anchors: ['glpat-'], pattern: /(?<![A-Za-z0-9_-])glpat-[A-Za-z0-9_-]{20,64}/g },
  { anchors: ['xox'], pattern: /(?<![A-Za-z0-9_-])xox[abeoprs]-[A-Za-z0-9-]{20,255}/g }, // Slack
  {
    anchors: ['AIza'], // Google
    pattern: /(?<![A-Za-z0-9_-])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g,
  },
  {
    anchors: ['k_live_'], // Stripe
    pattern: /(?<![A-Za-z0-9_])(?:sk|rk)_live_[A-Za-z0-9]{16,255}/g,
  },
  { anchors: ['npm_'], pattern: /(?<![A-Za-z0-9_])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])/g },
  { anchors: ['pypi-'], pattern: /(?<![A-Za-z0-9_-])pypi-[A-Za-z0-9_-]{50,255}/g },
  { anchors: ['hf_'], pattern: /(?<![A-Za-z0-9_-])hf_[A-Za-z0-9]{34}(?![A-Za-z0-9])/g },
  { anchors: ['sk-ant-'], pattern: /(?<![A-Za-z0-9_-])sk-ant-[A-Za-z0-9_-]{40,255}/g },
  {
    anchors: ['sk-'], // OpenAI
    pattern: /(?<![A-Za-z0-9_-])sk-(?:(?:proj|svcacct)-[A-Za-z0-9_-]{40,255}|[A-Za-z0-9]{40,255})/g,
  },
  {
    anchors: ['SG.'], // SendGrid
    pattern: /(?<![A-Za-z0-9_-])SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}/g,
  },
  { anchors: ['dop_v1_'], pattern: /(?<![A-Za-z0-9_-])dop_v1_[a-f0-9]{64}/g }, // DigitalOcean
  {
    anchors: ['.eyJ'], // JSON web token
    pattern:
      /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{16,2000}/g,
  },
];

// A name that says secret, the sign of assignment with a type or quotes around it, and the value: in quotes almost
// any signs, without quotes only those of base64, up to a blank or a bracket.
const ASSIGNMENT = new RegExp(
  [
    String.raw`((?:secret|token|passw(?:or)?d|passphrase|credential|auth|key)[\w.-]{0,40}(?![\w.-]))`,
    String.raw`(["'\x60\])]{0,3}(?:[ \t]{0,4}:[ \t]{0,4}[&\w]{1,16}|[ \t]{1,4}[&\w]{1,16})?[ \t]{0,8}`,
    String.raw`(?:=>|:=|[:=>,(]|[ \t](?<=--[\w-]{3,40}[ \t]))[ \t]{0,8}(?:(?:new )?[\w.[\]]{1,24}\()?`,
    String.raw`(?:(?:[bru@$]{0,2}["'\x60])?(?:Bearer|Basic|Token)[ \t])?)`,
    String.raw`(?:([bru@$]{0,2}["'\x60])([\w+/=.~!@#$%^&*-]{20,512})(?=["'\x60])`,
    String.raw`|([\w+/-]{20,512}={0,2})(?=[\s,;"'\x60<)}\]]|$))`,
  ].join(''),
  'gim',
);

/** So far before the keyword its name may begin: "my_public_" of "my_public_key". */
const NAME_PREFIX_LIMIT = 40;

function redactAssignments(text: string, note: () => string): string {
  return text.replace(ASSIGNMENT, (whole, ...groups) => {
    const [name, sign, quote = '', quoted, bare, at] = groups as [
      string,
      string,
      string | undefined,
      string | undefined,
      string | undefined,
      number,
    ];
    const before = text.slice(Math.max(0, at - NAME_PREFIX_LIMIT), at);
    const fullName = /[\w-]*$/.exec(before)![0] + name;
    // Without quotes, an argument or a word without digits is the name of something.
    const canBeBare = bare !== undefined && /\d/.test(bare) && !/[,(]/.test(sign);
    const value = quoted ?? (canBeBare ? bare : '');
    const isSecret = isHighEntropy(fullName, value);
    return isSecret ? name + sign + quote + note() : whole;
  });
}

const URL_PASSWORD = /(:\/\/[\w.%+-]{1,64}:)([^\s:@/"'`]{20,256})@/g;

const BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;

/** Longest body of a private key between its marks. */
const KEY_BODY_LIMIT = 16_384;

// The marks stay, so that a reader sees what was there; the body becomes one word and its line breaks. Bodies end
// before the next begin, so no part of the text is looked at twice.
function redactKeyBlocks(text: string, note: () => string): string {
  if (!text.includes('PRIVATE KEY')) return text;
  const begins = [...text.matchAll(BEGIN)];
  let result = '';
  let doneTo = 0;
  for (const [i, begin] of begins.entries()) {
    const from = begin.index + begin[0].length;
    const window = text.slice(
      from,
      Math.min(from + KEY_BODY_LIMIT, begins[i + 1]?.index ?? Infinity),
    );
    const end = END.exec(window);
    const body = end ? window.slice(0, end.index) : leadingKeyLines(window);
    if (!isKeyBody(body)) continue;
    const lineBreaks = body.replace(/[^\n]+/g, '');
    result += text.slice(doneTo, from) + lineBreaks.slice(0, 1) + note() + lineBreaks.slice(1);
    doneTo = from + body.length;
  }
  return result + text.slice(doneTo);
}

/** The lines after a mark without end that are nothing but base64. */
function leadingKeyLines(window: string): string {
  return /^(?:[\r\n]{1,2}[A-Za-z0-9+/=]{16,76}(?=[\r\n]|$))*/.exec(window)![0];
}

/** True when what stands between two marks is a key, in lines or as one string with escapes; code is not. */
function isKeyBody(body: string): boolean {
  const bare = body
    .replace(/(?:Proc-Type|DEK-Info|Version|Comment): [^\n]{0,200}/g, '')
    .replace(/\\[nr]|[\s"'`+,;\\#*|>]/g, '');
  const base64Count = bare.replace(/[^A-Za-z0-9+/=]/g, '').length;
  return base64Count >= 32 && base64Count >= bare.length * 0.95 && /[0-9+/]/.test(bare);
}
