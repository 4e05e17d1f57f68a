import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { type Random, seededRandom } from '../../../src/base/random';
import { installationRoot } from '../../../src/base/installation';
import { redactSecrets, secretPathReason } from '../../../src/engine/documents/secrets';

// Keys are put together here, so that no whole one stands in this file for scanners to find.
const random = seededRandom(7);
const BASE62 = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const key = keyOf(BASE62, 32, random);

function keyOf(alphabet: string, length: number, random: Random): string {
  return Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
}

function keyLines(count: number): string {
  return Array.from({ length: count }, () => keyOf(BASE62 + '+/', 64, random)).join('\n');
}

function mark(edge: 'BEGIN' | 'END', kind: string): string {
  return `-----${edge} ${kind}-----`;
}

test('leaves out files made to hold secrets', () => {
  for (const file of [
    '.env',
    'app/.env.local',
    '.ENV',
    'prod.env',
    'certs/server.pem',
    'server.key',
    'home/.ssh/config',
    '.ssh/id_rsa',
    'id_ed25519',
    'id_rsa.bak',
    'app.p12',
    'app.PFX',
    'debug.keystore',
    'store.jks',
    'pass.kdbx',
    '.npmrc',
    '.pypirc',
    '.netrc',
    '.git-credentials',
    'credentials',
    'credentials.json',
    '.aws/credentials',
    '.kube/config',
    '.docker/config.json',
    'terraform.tfstate',
    'prod.tfstate.backup',
    'my-service-account.json',
    'secrets.yaml',
    'client_secret.json',
    '.htpasswd',
    'a/.config/gcloud/x.db',
  ]) {
    assert.equal(typeof secretPathReason(file), 'string', file);
  }
});

test('keeps templates, code about secrets and other files', () => {
  for (const file of [
    '.env.example',
    '.env.sample',
    'config/.env.template',
    'credentials.json.dist',
    'environment.ts',
    'env.ts',
    'src/secrets.ts',
    'keys.go',
    'id_rsa_test.go',
    'credentials.py',
    'keyboard.key.ts',
    '.docker/Dockerfile',
    'awsconfig/config',
    'token.md',
    'monkey',
  ]) {
    assert.equal(secretPathReason(file), undefined, file);
  }
});

function checkRedacted(before: string, secret: string): void {
  const { text, count } = redactSecrets(before);
  assert.equal(text, before.replace(secret, '[redacted]'));
  assert.equal(count, 1);
}

test('finds keys by the format of those who issue them', () => {
  const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const segment = (length: number): string => keyOf(BASE62 + '-_', length, random);
  for (const secret of [
    'AKIA' + keyOf(upper, 16, random),
    'ghp_' + keyOf(BASE62, 36, random),
    'github_pat_' + keyOf(BASE62, 22, random) + '_' + keyOf(BASE62, 59, random),
    'glpat-' + keyOf(BASE62, 20, random),
    'xoxb-' + keyOf('0123456789', 12, random) + '-' + keyOf(BASE62, 24, random),
    'AIza' + keyOf(BASE62, 35, random),
    'sk_live_' + keyOf(BASE62, 24, random),
    'npm_' + keyOf(BASE62, 36, random),
    'hf_' + keyOf(BASE62, 34, random),
    'sk-ant-api03-' + segment(80) + 'AA',
    'sk-proj-' + segment(60),
    'eyJ' + segment(30) + '.eyJ' + segment(60) + '.' + segment(43),
  ]) {
    checkRedacted(`first\nconst x = "${secret}";\n`, secret);
    checkRedacted(`see ${secret} for more\n`, secret);
  }
});

test('finds values that look made by chance where the name says secret', () => {
  for (const line of [
    `const apiSecret = "${key}";`,
    `API_TOKEN=${key}`,
    `  password: '${key}'`,
    `"auth_token": "${key}",`,
    `<password>${key}</password>`,
    `<add key="ApiSecret" value="${key}"/>`,
    `-H "Authorization: Bearer ${key}"`,
    `define('SECRET_KEY', '${key}');`,
    `const token: string = "${key}"`,
    `let api_key: &str = "${key}";`,
    `var secretKey = []byte("${key}")`,
    `client.setApiKey("${key}")`,
    `config['api_key'] = \`${key}\``,
    `deploy --token ${key}`,
    `url = "postgres://app:${key}@db:5432/x"`,
    `AccountKey=${key};EndpointSuffix=core`,
  ]) {
    checkRedacted(`${line}\n`, key);
  }
});

test('finds nearly every random key, of whatever alphabet', () => {
  for (const [alphabet, length] of [
    [BASE62, 20],
    [BASE62, 40],
    [BASE62 + '+/', 40],
    ['abcdefghijklmnopqrstuvwxyz0123456789', 32],
    ['0123456789abcdef', 32],
    ['0123456789abcdef', 64],
  ] as const) {
    const found = Array.from({ length: 300 }, () => keyOf(alphabet, length, random)).filter(
      (value) => redactSecrets(`secret = "${value}"`).count === 1,
    );
    assert.ok(found.length >= 0.93 * 300, `${found.length} of 300, ${length} of ${alphabet}`);
  }
});

test('replaces the body of a private key and keeps the lines', () => {
  for (const kind of [
    'RSA PRIVATE KEY',
    'OPENSSH PRIVATE KEY',
    'PRIVATE KEY',
    'PGP PRIVATE KEY BLOCK',
  ]) {
    const before = `a\n${mark('BEGIN', kind)}\n${keyLines(3)}\n${mark('END', kind)}\nb\n`;
    const after = `a\n${mark('BEGIN', kind)}\n[redacted]\n\n\n${mark('END', kind)}\nb\n`;
    assert.deepEqual(redactSecrets(before), { text: after, count: 1 });
  }
});

test('replaces a private key in a string, in a comment, and one that is cut off', () => {
  const [begin, end] = [mark('BEGIN', 'RSA PRIVATE KEY'), mark('END', 'RSA PRIVATE KEY')];
  const inString = `const k = "${begin}\\n${keyLines(1)}\\n${end}\\n";\n`;
  assert.equal(redactSecrets(inString).text, `const k = "${begin}[redacted]${end}\\n";\n`);
  const inComment = `# ${begin}\n# ${keyLines(1)}\n# ${end}\n`;
  assert.equal(redactSecrets(inComment).text, `# ${begin}\n[redacted]\n${end}\n`);
  const cutOff = `${begin}\n${keyLines(2)}\n\nint x;\n`;
  assert.equal(redactSecrets(cutOff).text, `${begin}\n[redacted]\n\n\nint x;\n`);
});

test('leaves code about private keys alone', () => {
  const [begin, end] = [mark('BEGIN', 'PRIVATE KEY'), mark('END', 'PRIVATE KEY')];
  const code = `const begin = '${begin}';\nconst end = '${end}';\nif (text.startsWith(begin)) decode(text);\n`;
  assert.deepEqual(redactSecrets(code), { text: code, count: 0 });
});

test('leaves names, references, hashes, identifiers and placeholders alone', () => {
  for (const line of [
    'password = os.environ["DB_PASSWORD_PRODUCTION_1"]',
    'apiKey: process.env.MY_API_KEY_2024_PROD',
    'token: ${{ secrets.DEPLOY_TOKEN_2 }}',
    'API_KEY=your-api-key-goes-here-1234',
    'secretKey = "changeme-changeme-changeme1"',
    'const cacheKey = "9f86d081884c7d659a2feaa0c55ad015";',
    'key: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"',
    'token = "123e4567-e89b-42d3-a456-426614174000"',
    'ACCEPT_TOKEN(aux_sym_float_token1);',
    '"key": "ctrl+shift+alt+f12"',
    'const tokenizerConfig2 = loadTokenizerConfiguration2();',
    'passwordInput = this.form.controls.password2',
    '"integrity": "sha512-abc"',
    'publicKey = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK"',
    'token_type = "urn:ietf:params:oauth:token-type:jwt"',
    'export GITHUB_TOKEN="$(cat token.txt)"',
    'authUrl = "https://auth.example.com/oauth2/v1/authorize"',
    'tokens = tokenizer.encode(text_2_of_3)',
  ]) {
    assert.deepEqual(redactSecrets(line), { text: line, count: 0 });
  }
});

test('redacts nothing in the code of this product', () => {
  const root = installationRoot();
  const files = fs
    .readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(?:ts|mjs|md|json)$/.test(file));
  assert.ok(files.length > 20);
  for (const file of files) {
    const text = fs.readFileSync(path.join(root, 'src', file), 'utf8');
    assert.equal(redactSecrets(text).count, 0, file);
  }
});

test('takes time in proportion to the text, whatever it holds', () => {
  const repeated = [
    'key=',
    '"key":"',
    'token ',
    'token',
    `${mark('BEGIN', 'PRIVATE KEY')}\n`,
    'eyJ',
    'eyJaaaaaaaaaaaa.',
    '://a:',
    'sk-',
    'key)))        a a ',
    'secret: a b',
    'AKIA',
    'a',
    '-',
    `key="aB1${'cD2'.repeat(100)}`,
  ];
  for (const part of repeated) {
    const text = part.repeat(Math.ceil(1_000_000 / part.length));
    const start = performance.now();
    redactSecrets(text);
    // Linear means some 20 ms here; quadratic would be minutes.
    assert.ok(performance.now() - start < 5000, JSON.stringify(part.slice(0, 20)));
  }
});
