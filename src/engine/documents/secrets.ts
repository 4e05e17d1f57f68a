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
  for (const pattern of KEY_FORMATS) redacted = redacted.replace(pattern, note);
  redacted = redacted.replace(ASSIGNMENT, (whole: string, name: string, value: string) =>
    isHighEntropy(name, value) ? whole.slice(0, whole.length - value.length) + note() : whole,
  );
  redacted = redacted.replace(URL_PASSWORD, (whole: string, head: string, password: string) =>
    isHighEntropy('password', password) ? head + note() + '@' : whole,
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
  { pattern: /^id_(?:rsa|dsa|ecdsa|ed25519)/, reason: 'an SSH key' },
  {
    pattern: /\.(?:p12|pfx|jks|jceks|keystore|truststore|bks|kdbx?|agilekeychain|opvault)$/,
    reason: 'a key store',
  },
  {
    pattern:
      /^(?:\.npmrc|\.pypirc|\.netrc|_netrc|\.git-credentials|\.pgpass|\.my\.cnf|\.htpasswd)$/,
    reason: 'a file that tools keep credentials in',
  },
  {
    pattern:
      /^(?:\.?credentials|\.dockercfg|\.s3cfg|\.boto|\.vault-token)(?:\.(?:json|ya?ml|ini|toml|xml|db))?$/,
    reason: 'a file that tools keep credentials in',
  },
  {
    pattern:
      /^(?:secrets?|client[_-]secrets?)(?:\.[a-z0-9_-]{1,30})?\.(?:json|ya?ml|toml|ini|env|properties)$/,
    reason: 'a file of secrets by its name',
  },
  {
    pattern: /service[_-]?account[a-z0-9_-]{0,60}\.json$|-firebase-adminsdk-[a-z0-9-]{1,60}\.json$/,
    reason: 'a service account by its name',
  },
  {
    pattern: /\.tfstate(?:\.[a-z0-9.]{1,30})?$/,
    reason: 'state of Terraform holds secrets in clear',
  },
  { pattern: /\.(?:ovpn|mobileprovision|asc\.key)$/, reason: 'a profile with keys' },
  {
    pattern: /\/\.(?:ssh|gnupg|aws|azure|kube|docker|password-store)\//,
    reason: 'in a folder that tools keep credentials in',
    isWholePath: true,
  },
  {
    pattern: /\/\.config\/(?:gcloud|gh|hub|doctl|op)\//,
    reason: 'in a folder that tools keep credentials in',
    isWholePath: true,
  },
];

// Each starts where the character before could not be part of the same run, and each run is bounded.
const KEY_FORMATS: readonly RegExp[] = [
  /(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])/g, // AWS
  /(?<![A-Za-z0-9_])gh[pousr]_[A-Za-z0-9]{36,255}/g, // GitHub
  /(?<![A-Za-z0-9_])github_pat_[A-Za-z0-9_]{50,255}/g,
  /(?<![A-Za-z0-9_-])glpat-[A-Za-z0-9_-]{20,64}/g, // GitLab
  /(?<![A-Za-z0-9_-])xox[abeoprs]-[A-Za-z0-9-]{20,255}/g, // Slack
  /(?<![A-Za-z0-9_-])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g, // Google
  /(?<![A-Za-z0-9_])(?:sk|rk)_live_[A-Za-z0-9]{16,255}/g, // Stripe
  /(?<![A-Za-z0-9_])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])/g,
  /(?<![A-Za-z0-9_-])pypi-[A-Za-z0-9_-]{50,255}/g,
  /(?<![A-Za-z0-9_-])hf_[A-Za-z0-9]{34}(?![A-Za-z0-9])/g, // Hugging Face
  /(?<![A-Za-z0-9_-])sk-(?:ant-|proj-)?[A-Za-z0-9_-]{40,255}/g, // OpenAI, Anthropic
  /(?<![A-Za-z0-9_-])SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}/g, // SendGrid
  /(?<![A-Za-z0-9_-])dop_v1_[a-f0-9]{64}/g, // DigitalOcean
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{16,2000}/g, // JWT
];

const ASSIGNMENT =
  /((?:secret|token|passwd|password|passphrase|credential|auth|key)[\w.-]{0,40})["'`\])]{0,3}[ \t]{0,8}(?:=>|:=|[:=])[ \t]{0,8}(?:[bru]?["'`])?((?:Bearer |Basic )?[\w+/=.~!@#$%^&*-]{20,512})(?![\w+/=])/gi;

const URL_PASSWORD = /(:\/\/[\w.%+-]{1,64}:)([^\s:@/"'`]{12,256})@/g;

const BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;

/** What a private key consists of between its marks; more is not looked at when the end is missing. */
const KEY_BODY_LIMIT = 16_384;

// The marks stay, so that a reader sees what was there; the body becomes one word and its line breaks.
function redactKeyBlocks(text: string, note: () => string): string {
  let result = '';
  let doneTo = 0;
  for (const begin of text.matchAll(BEGIN)) {
    const from = begin.index + begin[0].length;
    if (from <= doneTo) continue;
    const window = text.slice(from, from + KEY_BODY_LIMIT);
    const end = END.exec(window);
    END.lastIndex = 0;
    const body = end ? window.slice(0, end.index) : leadingKeyLines(window);
    if (!isKeyBody(body)) continue;
    result +=
      text.slice(doneTo, from) +
      body.replace(/[^\r\n]+/g, '').replace(/^\n?/, (first) => first + note());
    doneTo = from + body.length;
  }
  return result + text.slice(doneTo);
}

/** The lines after a mark without end that are nothing but base64. */
function leadingKeyLines(window: string): string {
  return /^(?:[\r\n]{0,2}[A-Za-z0-9+/=]{16,76}(?=[\r\n]|$))*/.exec(window)![0];
}

/** True when the text between two marks is a key, in lines or as one string with escapes; code around marks is not. */
function isKeyBody(body: string): boolean {
  const bare = body
    .replace(/(?:Proc-Type|DEK-Info|Version|Comment): [^\n]{0,200}/g, '')
    .replace(/\\[nr]|[\s"'`+,;\\]/g, '');
  const base64Count = bare.replace(/[^A-Za-z0-9+/=]/g, '').length;
  return base64Count >= 32 && base64Count >= bare.length * 0.95 && /[0-9+/]/.test(bare);
}
