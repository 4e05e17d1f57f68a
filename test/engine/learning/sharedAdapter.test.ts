/** A version that comes with a repository: taken whole and checked, or not at all. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { encodeHead, newHead } from '../../../src/engine/encoders/heads';
import { loadVersion } from '../../../src/engine/learning/learnedVersion';
import { WORDS_FILE, writeWords } from '../../../src/engine/learning/learnedWords';
import type { LearningReport } from '../../../src/engine/learning/report';
import { giveVersion, takeVersion } from '../../../src/engine/learning/sharedAdapter';
import { VersionStore } from '../../../src/engine/learning/versionStore';
import { temporaryFolder } from '../../support/temporaryFolder';

const root = temporaryFolder(after);
const BASE = { biEncoder: 'b'.repeat(64), crossEncoder: 'c'.repeat(64) };
let count = 0;

interface Shared {
  readonly code: string;
  /** Of `.nearmiss/adapter`. */
  readonly adapter: string;
  /** Where a second user's versions lie. */
  readonly store: VersionStore;
  /** Changes what is shared. */
  readonly change: (changed: (manifest: Record<string, unknown>) => object) => void;
}

async function publish(
  store: VersionStore,
  tiers: readonly ('words' | 'fusion' | 'head' | 'cross-encoder')[],
  rank = 4,
): Promise<void> {
  const draft = path.join(store.root, 'draft');
  fs.mkdirSync(draft, { recursive: true });
  fs.writeFileSync(path.join(draft, 'weights.json'), '{"rerank":0.5}');
  const word = { word: 'gateway', as: 'proxy', count: 3, of: 4, evidence: 12 };
  await writeWords(path.join(draft, WORDS_FILE), [word]);
  const shape = { kind: 'query-head', base: BASE.biEncoder, dimension: 8, rank } as const;
  fs.writeFileSync(path.join(draft, 'adapter.safetensors'), encodeHead(newHead(shape, 1)));
  const about = { id: 'made', time: '2026-11-25T12:00:00Z', kind: 'marks' } as const;
  const said = { isPromoted: true, verdict: 'Promoted', base: BASE, markCount: 30 };
  const level = { factor: 2, shift: 0.1 };
  const parts = { tiers: [...tiers], mapsSimilar: true, level, markHashes: ['0123456789abcdef'] };
  await store.publish(draft, { ...about, ...said, ...parts }, { v: 1 } as LearningReport);
}

async function share(rank?: number): Promise<Shared> {
  const at = path.join(root, `${count++}`);
  const [code, giver] = [path.join(at, 'code'), new VersionStore(path.join(at, 'giver'))];
  fs.mkdirSync(code, { recursive: true });
  await publish(giver, ['words', 'fusion', 'head'], rank);
  const adapter = await giveVersion(code, giver, 'made', 'Ada');
  const manifest = path.join(adapter, 'version.json');
  return {
    ...{ code, adapter, store: new VersionStore(path.join(at, 'taker')) },
    change(changed) {
      const before = JSON.parse(fs.readFileSync(manifest, 'utf8')) as Record<string, unknown>;
      fs.writeFileSync(manifest, JSON.stringify(changed(before)));
    },
  };
}

test('is taken as it was given, under a name of its own, and answers nothing yet', async () => {
  const { code, store, adapter } = await share();
  assert.deepEqual(fs.readdirSync(adapter).sort(), [
    ...['.gitattributes', 'adapter.safetensors', 'version.json', 'weights.json', 'words.json'],
  ]);
  const id = await takeVersion(code, store, BASE);
  assert.match(id, /^shared-[0-9a-f]{12}$/);
  const version = await loadVersion(store, id, BASE);
  assert.deepEqual([...version.words!], [['gateway', 'proxy']]);
  assert.equal(version.weights?.rerank, 0.5);
  assert.equal(version.learned?.head?.rank, 4);
  assert.deepEqual(version.learned?.level, { factor: 2, shift: 0.1 });
  assert.equal(version.manifest.isPromoted, false);
  assert.equal(version.manifest.author, 'Ada');
  assert.deepEqual(version.manifest.markHashes, ['0123456789abcdef']);
  assert.equal(version.manifest.sharedTime, '2026-11-25T12:00:00Z');
  assert.equal((await store.pointer()).pointer.current.id, 'base');
  // The same again is the same version.
  assert.equal(await takeVersion(code, store, BASE), id);
  assert.equal((await store.list()).length, 1);
});

test('what an earlier version had learned is shared no more', async () => {
  const { code, adapter } = await share();
  const giver = new VersionStore(path.join(root, `${count++}`));
  await publish(giver, ['fusion']);
  await giveVersion(code, giver, 'made', 'Ada');
  // Words of marks that were taken back stayed in the repository.
  assert.deepEqual(fs.readdirSync(adapter).sort(), [
    ...['.gitattributes', 'version.json', 'weights.json'],
  ]);
});

// Where git gives text files other line ends, no hash was right.
test('is taken from a clone whose git gives text files other line ends', async () => {
  const { code, store } = await share();
  const git = (at: string, ...args: string[]): void => {
    const own = ['-c', 'core.autocrlf=true', '-c', 'user.name=a', '-c', 'user.email=a@b.c'];
    execFileSync('git', [...own, '-C', at, ...args], { stdio: 'ignore' });
  };
  git(code, 'init');
  git(code, 'add', '-A');
  git(code, 'commit', '-m', 'Share a version');
  const clone = path.join(root, `${count++}`);
  fs.mkdirSync(clone);
  fs.writeFileSync(path.join(code, 'plain.txt'), 'one\ntwo\n');
  git(code, 'add', '-A');
  git(code, 'commit', '-m', 'Add a text');
  git(clone, 'clone', code, '.');
  assert.equal(fs.readFileSync(path.join(clone, 'plain.txt'), 'utf8'), 'one\r\ntwo\r\n');
  assert.match(await takeVersion(clone, store, BASE), /^shared-/);
});

test('a version for a part of the folder is for that part when it is taken', async () => {
  const { code, store, change } = await share();
  const whole = await takeVersion(code, store, BASE);
  change((said) => ({ ...said, scope: { path: 'src/upload' } }));
  const limited = await takeVersion(code, store, BASE);
  assert.notEqual(limited, whole);
  assert.deepEqual((await store.read(limited)).manifest?.scope, { path: 'src/upload' });
  assert.equal((await store.read(whole)).manifest?.scope, undefined);
});

test('a re-ranker is not shared, nor a version without its re-ranker', async () => {
  const store = new VersionStore(path.join(root, 'large'));
  await publish(store, ['fusion', 'cross-encoder']);
  await assert.rejects(
    giveVersion(root, store, 'made', 'Ada'),
    /only learned words, weights of the ranking/,
  );
  assert.equal(fs.existsSync(path.join(root, '.nearmiss')), false);
});

const zeros = '0'.repeat(64);
const hostile: readonly [string, (shared: Shared) => void, RegExp][] = [
  ['nothing', ({ adapter }) => fs.rmSync(adapter, { recursive: true }), /shares no version/],
  [
    'a manifest that is no JSON',
    ({ adapter }) => fs.writeFileSync(path.join(adapter, 'version.json'), '{'),
    /version\.json is not JSON/,
  ],
  ['a newer form', ({ change }) => change((said) => ({ ...said, v: 2 })), /newer Nearmiss \(2\)/],
  [
    'a part that is none',
    ({ change }) => change((said) => ({ ...said, tiers: ['../../x'] })),
    /tiers\.0 is not valid/,
  ],
  [
    'a whole model',
    ({ change }) => change((said) => ({ ...said, tiers: ['cross-encoder'] })),
    /tiers\.0 is not valid/,
  ],
  [
    'a hash of a mark that could be text',
    ({ change }) => change((said) => ({ ...said, markHashes: ['where is the retry'] })),
    /markHashes\.0 is not valid/,
  ],
  [
    'another file under a known hash',
    ({ adapter }) => fs.writeFileSync(path.join(adapter, 'weights.json'), '{"rerank":9}'),
    /weights\.json is not what was shared/,
  ],
  [
    'a hash of nothing',
    ({ change }) => change((said) => ({ ...said, hashes: { fusion: zeros } })),
    /is not what was shared/,
  ],
  [
    'words that are none, under their own hash',
    ({ adapter, change }) => {
      const text = '{"v":1,"words":[{"word":7}]}';
      fs.writeFileSync(path.join(adapter, 'words.json'), text);
      const words = createHash('sha256').update(text).digest('hex');
      change((said) => ({ ...said, hashes: { ...(said.hashes as object), words } }));
    },
    /it holds no learned words/,
  ],
  [
    'a missing file',
    ({ adapter }) => fs.rmSync(path.join(adapter, 'adapter.safetensors')),
    /adapter\.safetensors is missing/,
  ],
  [
    'a file that is too large',
    ({ adapter }) => fs.truncateSync(path.join(adapter, 'adapter.safetensors'), (16 << 20) + 1),
    /are the most/,
  ],
  [
    'what was learned on another model',
    ({ change }) => change((said) => ({ ...said, base: { ...BASE, biEncoder: zeros } })),
    /learned on another model/,
  ],
  [
    'what was learned beside another re-ranker',
    ({ change }) => change((said) => ({ ...said, base: { ...BASE, crossEncoder: zeros } })),
    /learned on another re-ranker/,
  ],
];
for (const [what, harm, sentence] of hostile)
  test(`leaves everything as it was on ${what}`, async () => {
    const shared = await share();
    harm(shared);
    await assert.rejects(takeVersion(shared.code, shared.store, BASE), sentence);
    assert.deepEqual(await shared.store.list(), []);
    const left = fs.existsSync(shared.store.root) ? fs.readdirSync(shared.store.root) : [];
    assert.deepEqual(left, []);
  });

test('a map that would slow every search is left out', async () => {
  const { code, store } = await share(513);
  await assert.rejects(takeVersion(code, store, BASE), /its rank is 513/);
});

test('a link in place of a file is left alone', async (t) => {
  if (process.platform === 'win32') return t.skip('links need a right that tests may lack');
  const { code, store, adapter } = await share();
  const file = path.join(adapter, 'weights.json');
  fs.renameSync(file, path.join(root, 'elsewhere.json'));
  fs.symlinkSync(path.join(root, 'elsewhere.json'), file);
  await assert.rejects(takeVersion(code, store, BASE), /is not a plain file/);
});
