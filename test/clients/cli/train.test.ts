/** `nearmiss train` as a person meets it: the real program, toy models, its bad days. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { seededRandom } from '../../../src/base/random';
import { readCheckpoint } from '../../../src/engine/encoders/checkpoint';
import { isAbort } from '../../../src/base/errors';
import { RunControl } from '../../../src/engine/training/control';
import { mergeModels } from '../../../src/engine/training/mergeModels';
import { readHead } from '../../../src/engine/encoders/heads';
import { decodeSafetensors } from '../../../src/engine/encoders/safetensors';
import { progressLine } from '../../../src/clients/cli/trainCommands';
import {
  type CliOptions,
  type CliResult,
  checkDone,
  checkSentence,
  runCli,
} from '../../support/product';
import { temporaryFolder, writeFiles } from '../../support/temporaryFolder';
import { installToy } from '../../support/toyInstallation';

const folder = temporaryFolder(after);
const root = path.join(folder, 'installation');
const base = path.join(root, 'models/bi-encoder');
before(() => installToy(root));

function run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const home = ['--home', path.join(folder, 'home')];
  return runCli([...args, ...home], {
    cli: path.join(root, 'dist/cli.js'),
    cwd: folder,
    ...options,
  });
}

interface TrainTest {
  readonly out: string;
  readonly data?: string;
  readonly recipe?: object | string;
  readonly more?: readonly string[];
}

function train(
  { out, data = 'data.jsonl', recipe = {}, more = [] }: TrainTest,
  options?: CliOptions,
): Promise<CliResult> {
  const name = `${out}.recipe.json`;
  // Not nice: a busy machine would let these runs wait for minutes.
  writeFiles(folder, {
    [name]: typeof recipe === 'string' ? recipe : JSON.stringify({ niceness: 0, ...recipe }),
  });
  const asked = ['--part', 'query-head', '--base', base, '--data', data, '--out', out, '--json'];
  const given = new Set(more);
  // What the test names itself is left out.
  const flags = asked.filter(
    (flag, at) => !given.has(flag.startsWith('--') ? flag : asked[at - 1]!),
  );
  return run(['train', ...flags, '--recipe', name, ...more], options);
}

/** Queries that share a word with their text, and negatives that share it with the query too. */
function records(count: number): object[] {
  const random = seededRandom(3);
  const word = (): string =>
    Array.from({ length: 5 }, () => 'abcdefghij'[Math.floor(random() * 10)]).join('');
  return Array.from({ length: count }, () => {
    const [a, b, c] = [word(), word(), word()];
    const positives = [`function ${a} ${b}`];
    return { task: 'ir', query: `the ${a}`, positives, negatives: [`class ${b} ${c}`, word()] };
  });
}

const jsonl = (rows: readonly object[]): string =>
  `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
before(() => writeFiles(folder, { 'data.jsonl': jsonl(records(40)) }));

describe('nearmiss train', () => {
  test('trains a query head and leaves an adapter with the record of its run', async () => {
    const result = await train({ out: 'first', recipe: { steps: 30, evaluateEvery: 10 } });
    checkDone(result);
    const { kind, part, stepCount, metric, before, out } = JSON.parse(result.stdout) as Record<
      string,
      unknown
    >;
    assert.deepEqual([kind, part, stepCount, metric], ['train', 'query-head', 30, 'nDCG@10']);
    assert.ok(0 < (before as number) && (before as number) < 1);
    assert.equal(out, path.join(folder, 'first'));
    assert.deepEqual(fs.readdirSync(path.join(folder, 'first')).sort(), [
      'adapter.safetensors',
      'training.json',
    ]);
    assert.ok(!fs.existsSync(path.join(folder, 'first.training')));
    const head = await readHead(path.join(folder, 'first/adapter.safetensors'));
    assert.ok(head.b.some((value) => value !== 0));
    const record = JSON.parse(
      fs.readFileSync(path.join(folder, 'first/training.json'), 'utf8'),
    ) as {
      base: string;
      recipe: { steps: number; tau: number };
      records: object;
    };
    assert.deepEqual([record.base, record.recipe.steps, record.recipe.tau], [head.base, 30, 0.05]);
    assert.deepEqual(record.records, { train: 32, heldOut: 8 });
  });

  test('gives the same bytes for the same seed, and others for another', async () => {
    const recipe = { steps: 20 };
    const seeds = { same1: '5', same2: '5', other: '6' };
    const runs = Object.entries(seeds).map(([out, seed]) =>
      train({ out, recipe, more: ['--seed', seed] }),
    );
    for (const result of await Promise.all(runs)) checkDone(result);
    const bytes = (out: string): Buffer =>
      fs.readFileSync(path.join(folder, out, 'adapter.safetensors'));
    assert.ok(bytes('same1').equals(bytes('same2')));
    assert.ok(!bytes('same1').equals(bytes('other')));
  });

  test('is repeated by the record that lies beside its result, to the byte', async () => {
    const recipe = { steps: 8, evaluateEvery: 4, rank: 3 };
    const bytes = (out: string): Buffer =>
      fs.readFileSync(path.join(folder, out, 'adapter.safetensors'));
    const onDevice = ['--device', 'webgpu'];
    const idle = await train({ out: 'idle', recipe: { ...recipe, layers: 4 }, more: onDevice });
    checkDone(idle);
    assert.match(idle.stderr, /The processor trains: --device is for bi-encoder and cross-encoder/);
    assert.match(
      idle.stderr,
      /Flags of the recipe that --part query-head does not look at: layers/,
    );
    for (const [out, more] of [
      ['as-is', []],
      ['searched', ['--tune', '0.01']],
    ] as const) {
      checkDone(await train({ out, recipe, more }));
      const record = path.join(folder, out, 'training.json');
      const { part, seed } = JSON.parse(fs.readFileSync(record, 'utf8')) as Record<string, string>;
      const again = ['--part', part!, '--seed', `${seed}`, '--recipe', record];
      checkDone(await train({ out: `${out}-again`, more: again }));
      assert.ok(bytes(`${out}-again`).equals(bytes(out)), out);
    }
  });

  test('goes on after kills at any moment and ends with the bytes of a run that was left alone', async () => {
    const recipe = { steps: 60, evaluateEvery: 5, patience: 1000 };
    checkDone(await train({ out: 'whole', recipe }));
    const random = seededRandom(8);
    const out = path.join(folder, 'killed');
    let killCount = 0;
    for (; !fs.existsSync(out) && killCount < 6; killCount++) {
      const signal = AbortSignal.timeout(400 + Math.floor(random() * 1500));
      await train({ out: 'killed', recipe, more: ['--resume'] }, { signal });
    }
    if (!fs.existsSync(out)) checkDone(await train({ out: 'killed', recipe, more: ['--resume'] }));
    const bytes = (name: string): Buffer =>
      fs.readFileSync(path.join(folder, name, 'adapter.safetensors'));
    assert.ok(bytes('killed').equals(bytes('whole')), `after ${killCount} kills`);
  });

  test('refuses what it was not given rightly, in a sentence, and leaves nothing', async () => {
    const good = records(3).map((row) => JSON.stringify(row));
    const cases: readonly (readonly [string, RegExp])[] = [
      [[...good, '{"task":"ir"}'].join('\n'), /Line 4 of .* wrong at query: it is missing/],
      [[good[0], '{"query":"q"}'].join('\n'), /Line 2 .* at task: it must be "ir" or "sts"/],
      [[good[0], 'nonsense'].join('\n'), /Line 2 of .* is not JSON/],
      [good[0]!, /One record is too few to train on some and test on others/],
      ['', /no record to train on/],
      [jsonl([{ task: 'sts', a: 'x', b: 'y', score: 1 }]), /Line 1 is a pair of texts/],
    ];
    for (const [content, sentence] of cases) {
      writeFiles(folder, { 'bad.jsonl': content });
      checkSentence(await train({ out: 'bad', data: 'bad.jsonl' }), 2, sentence);
    }
    checkSentence(
      await train({ out: 'bad', data: 'none.jsonl' }),
      2,
      /There is no file .*none\.jsonl/,
    );
    checkSentence(await train({ out: 'bad', recipe: { steps: 0 } }), 2, /wrong at steps/);
    const flags = /"stepz"\. The flags there are scope, layers, .*weights$/m;
    checkSentence(await train({ out: 'bad', recipe: { stepz: 1 } }), 2, flags);
    const nested = /wrong at hnm: Unrecognized key: "kk"\. The flags there are k, s, alpha$/m;
    checkSentence(await train({ out: 'bad', recipe: { hnm: { kk: 1 } } }), 2, nested);
    checkSentence(await train({ out: 'bad', recipe: '{"steps":' }), 2, /recipe.json is not JSON/);
    checkSentence(await train({ out: 'bad', more: ['--part', 'tail'] }), 2, /no part tail/);
    checkSentence(await train({ out: 'home' }), 2, /home is not empty/);
    checkSentence(await train({ out: 'data.jsonl' }), 2, /data\.jsonl is a file/);
    const cross = ['--part', 'cross-encoder'];
    checkSentence(
      await train({ out: 'bad', more: cross }),
      2,
      /is a bi-encoder, and cross-encoder needs/,
    );
    assert.deepEqual(
      fs.readdirSync(folder).filter((name) => /^bad(\.training)?$/.test(name)),
      [],
    );
  });

  test('does not go on with the state of another run', async () => {
    const recipe = { steps: 5000, evaluateEvery: 1, patience: 9999 };
    const state = path.join(folder, 'changed.training/state.safetensors');
    const stop = new AbortController();
    const watch = setInterval(() => fs.existsSync(state) && stop.abort(), 20);
    await train({ out: 'changed', recipe }, { signal: stop.signal });
    clearInterval(watch);
    checkSentence(await train({ out: 'changed', recipe }), 2, /unfinished run of \d+ steps/);
    const more = ['--resume', '--seed', '9'];
    checkSentence(await train({ out: 'changed', recipe, more }), 2, /other data, another recipe/);
    fs.truncateSync(state, fs.statSync(state).size - 1);
    checkSentence(
      await train({ out: 'changed', recipe, more: ['--resume'] }),
      3,
      /state.safetensors is damaged/,
    );
  });

  test('lives through empty texts, duplicates, long texts and two queries alike', async () => {
    const odd = [
      ...records(6),
      { task: 'ir', query: 'Empty  Text', positives: ['x', ''], negatives: ['', ' ', 'x'] },
      { task: 'ir', query: 'empty text', positives: ['y'], negatives: ['X'] },
      { task: 'ir', query: 'alone', positives: [], negatives: ['only a negative'] },
      { task: 'ir', query: 'long', positives: ['word '.repeat(3000)], negatives: ['b'] },
      { task: 'ir', query: '', positives: [], negatives: [] },
    ].filter(({ query }: { query?: string }) => query !== '');
    writeFiles(folder, { 'odd.jsonl': jsonl(odd) });
    const result = await train({ out: 'odd', data: 'odd.jsonl', recipe: { steps: 12 } });
    checkDone(result);
    assert.match(result.stderr, /Empty texts left out: 3/);
    assert.match(
      result.stderr,
      /Negatives left out, for they are a positive of their own query: 1/,
    );
    assert.match(result.stderr, /little to learn from/);
  });

  test('says when it took more memory than it was given', async () => {
    const result = await train({
      out: 'small',
      recipe: { memoryMb: 64, steps: 100_000, patience: 99_999 },
    });
    checkSentence(
      { ...result, stderr: lastLine(result.stderr) },
      3,
      /more memory than the recipe allows/,
    );
  });

  test('tries settings first where asked, and says which and what they gained', async () => {
    const recipe = { steps: 4, evaluateEvery: 2 };
    const tuned = await train({ out: 'tuned', recipe, more: ['--tune', '0.02'] });
    checkDone(tuned);
    const record = JSON.parse(
      fs.readFileSync(path.join(folder, 'tuned/training.json'), 'utf8'),
    ) as {
      part: string;
      tried: { changes: object; gain: number }[];
      recipe: object;
    };
    assert.ok(record.tried.length >= 1);
    assert.deepEqual(record.tried[0]!.changes, {});
    const best = record.tried.reduce((a, b) => (b.gain > a.gain ? b : a));
    const { part = 'query-head', ...flags } = best.changes as { part?: string };
    assert.deepEqual({ ...record.recipe, ...flags }, record.recipe);
    assert.equal(record.part, part);
    assert.equal((JSON.parse(tuned.stdout) as { part: string }).part, part);
    assert.equal((await readHead(path.join(folder, 'tuned/adapter.safetensors'))).kind, part);
    assert.match(tuned.stderr, /Tried 1: [-+]0\.\d{4} held out, as it was asked for/);
    assert.match(
      tuned.stderr,
      /Of \d+ tried the best is number \d+, a (query|shared)-head; training\.json will list all/,
    );
    const bi = ['--tune', '1', '--part', 'bi-encoder'];
    checkSentence(
      await train({ out: 'untuned', recipe, more: bi }),
      2,
      /--tune tries hundreds of runs/,
    );
  });

  test('stops at Ctrl-C between two steps and says how to go on', async () => {
    const recipe = { steps: 1_000_000, patience: 1_000_000 };
    const stop = new AbortController();
    const result = await train(
      { out: 'stopped', recipe },
      {
        onStderr: (text) => /training: /.test(text) && stop.abort(),
        signal: stop.signal,
        killSignal: 'SIGINT',
      },
    );
    assert.equal(result.status, 130);
    assert.match(result.stderr, /Stopped; go on with --resume/);
    assert.ok(fs.existsSync(path.join(folder, 'stopped.training/state.safetensors')));
  });
});

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)!;
}

describe('encoders', () => {
  const recipe = {
    steps: 6,
    evaluateEvery: 3,
    rows: 8,
    negatives: 2,
    duplicateCosine: 1,
    learningRate: 0.003,
  };

  async function trained(out: string, part: string, changes: object = {}): Promise<string> {
    const more = ['--part', part, '--base', path.join(root, 'models', part.replace(/-head$/, ''))];
    checkDone(await train({ out, recipe: { ...recipe, ...changes }, more }));
    return path.join(folder, out);
  }

  test('come out as checkpoints in the layout of their base, which the product can use', async () => {
    for (const [part, kind] of [
      ['bi-encoder', 'bi-encoder'],
      ['cross-encoder', 'cross-encoder'],
    ] as const) {
      const out = await trained(`whole-${part}`, part);
      const [made, start] = [
        await readCheckpoint(out),
        await readCheckpoint(path.join(root, 'models', part)),
      ];
      assert.equal(made.kind, kind);
      assert.notEqual(made.fingerprint, start.fingerprint);
      assert.deepEqual({ ...made.config }, { ...start.config });
      // Nothing but numbers has changed: the file is as long as the base's.
      assert.equal(fs.statSync(made.modelFile).size, fs.statSync(start.modelFile).size);
      const card = fs.readFileSync(path.join(out, 'MODEL_CARD.md'), 'utf8');
      assert.match(card, new RegExp(start.fingerprint));
    }
  });

  test('come out with adapters merged in, and the adapters alone beside them naming their base', async () => {
    const out = await trained('adapted', 'bi-encoder', { scope: 'adapters', rank: 2 });
    const file = path.join(out, 'adapter.safetensors');
    const { metadata, tensors } = decodeSafetensors(fs.readFileSync(file), file);
    assert.equal(metadata.base, (await readCheckpoint(base)).fingerprint);
    assert.ok([...tensors.keys()].every((name) => /\.lora_[AB]$/.test(name)));
    assert.equal((await readCheckpoint(out)).kind, 'bi-encoder');
  });

  test('give the same bytes when killed and gone on with', async () => {
    const changes = { dropout: 0.1, evaluateEvery: 1, steps: 12, patience: 99 };
    const whole = await trained('steady', 'bi-encoder', changes);
    const out = path.join(folder, 'shaken');
    const more = ['--part', 'bi-encoder', '--base', base, '--resume'];
    for (let kill = 0; kill < 3 && !fs.existsSync(out); kill++) {
      const signal = AbortSignal.timeout(1500 + 400 * kill);
      await train({ out: 'shaken', recipe: { ...recipe, ...changes }, more }, { signal });
    }
    if (!fs.existsSync(out))
      checkDone(await train({ out: 'shaken', recipe: { ...recipe, ...changes }, more }));
    const model = (at: string): Buffer => fs.readFileSync(path.join(at, 'model.onnx'));
    assert.ok(model(out).equals(model(whole)));
  });

  test('are measured, with intervals that hold the figure', async () => {
    const pairs = records(12).map((_, index) => {
      const word = 'abcdefgh'[index % 8]!.repeat(4);
      return {
        task: 'sts',
        a: `read ${word}`,
        b: index % 2 ? `read ${word}` : `class of ${index}`,
        score: index % 2,
      };
    });
    writeFiles(folder, { 'set.jsonl': jsonl([...records(10), ...pairs]) });
    const result = await run(['evaluate', '--data', 'set.jsonl', '--model', base, '--json']);
    checkDone(result);
    const figures = JSON.parse(result.stdout) as {
      name: string;
      value: number;
      low: number;
      high: number;
    }[];
    assert.deepEqual(
      figures.map(({ name }) => name),
      [
        'nDCG@10',
        'MRR@10',
        'recall@10',
        'near-miss accuracy',
        'Spearman',
        'pair F1',
        'linear probe accuracy',
      ],
    );
    for (const { name, value, low, high } of figures)
      assert.ok(low <= value && value <= high, name);
    const cross = path.join(root, 'models/cross-encoder');
    const scored = await run(['evaluate', '--data', 'data.jsonl', '--model', cross]);
    checkDone(scored);
    assert.match(scored.stdout, /^nDCG@10 +0\.\d{4} {2}\(95 %: 0\.\d{4} to [01]\.\d{4}, 40\)/);
  });

  test('are not measured with a head whose base is another by now', async () => {
    checkDone(await train({ out: 'headed', recipe: { steps: 3 } }));
    const asked = ['evaluate', '--data', 'data.jsonl', '--model', 'headed'];
    checkDone(await run(asked));
    const record = path.join(folder, 'headed/training.json');
    const content = fs.readFileSync(record, 'utf8');
    fs.writeFileSync(record, content.replaceAll(base, path.join(folder, 'whole-bi-encoder')));
    checkSentence(await run(asked), 3, /adapter was trained on the checkpoint/);
  });

  test('are merged, and merging one with itself gives it back', async () => {
    const one = path.join(folder, 'whole-bi-encoder');
    checkDone(await run(['merge', '--base', base, '--out', 'merged', one, one]));
    const model = (at: string): Buffer => fs.readFileSync(path.join(at, 'model.onnx'));
    assert.ok(model(path.join(folder, 'merged')).equals(model(one)));
    checkDone(await run(['merge', '--base', base, '--out', 'pulled', '--pull', '0', one]));
    assert.ok(
      model(path.join(folder, 'pulled')).equals(
        fs.readFileSync((await readCheckpoint(base)).modelFile),
      ),
    );
    const cross = path.join(folder, 'whole-cross-encoder');
    checkSentence(
      await run(['merge', '--base', base, '--out', 'no', one, cross]),
      3,
      /is a cross-encoder, and the base a bi-encoder/,
    );
    // Heads of any ranks: what they add is stacked.
    const merge = await run(['merge', '--base', base, '--out', 'heads', 'first', 'as-is']);
    checkDone(merge);
    assert.match(merge.stdout, /heads: 2 models merged, 2 tensors changed$/m);
    const head = await readHead(path.join(folder, 'heads/adapter.safetensors'));
    assert.equal(head.rank, 8 + 3);
    writeFiles(folder, {
      'weighed/training.json': JSON.stringify({ part: 'fusion', base: '', baseFolder: base }),
    });
    checkSentence(
      await run(['merge', '--base', base, '--out', 'no', 'weighed']),
      2,
      /holds weights of a ranking, which cannot be merged/,
    );
    checkSentence(
      await run(['evaluate', '--data', 'data.jsonl', '--model', 'weighed']),
      2,
      /holds weights of a ranking, which show in searches of their folder alone/,
    );
  });
});

describe('a merge', () => {
  test('that is stopped leaves nothing behind', async () => {
    const controller = new AbortController();
    const models = Array.from({ length: 400 }, () => base);
    const { status, stderr } = await run(['merge', '--base', base, '--out', 'halted', ...models], {
      signal: controller.signal,
      killSignal: 'SIGINT',
      onStderr: (text) => {
        if (/reading models: \d+ of 400/.test(text)) controller.abort();
      },
    });
    const left = fs.readdirSync(folder).filter((name) => name.startsWith('halted'));
    // Where the signal comes too late all is there; a part of it never is.
    if (status === 0) {
      assert.deepEqual(left, ['halted']);
      return;
    }
    assert.equal(status, 130, stderr);
    assert.match(stderr, /^Stopped; nothing was written$/m);
    assert.deepEqual(left, []);
  });

  test('ends between two tensors when it is cancelled, and takes away what it began with', async () => {
    const out = path.join(folder, 'cancelled');
    const order = { base, models: [base, base], how: 'average', pull: 1, out } as const;
    for (const stage of ['reading models', 'merging']) {
      const control = new RunControl();
      const seen: string[] = [];
      const merging = mergeModels(order, control, (news) => {
        seen.push(news.stage);
        if (news.stage === stage) control.cancel();
      });
      await assert.rejects(merging, isAbort);
      assert.equal(seen.at(-1), stage);
      assert.equal(seen.filter((one) => one === stage).length, 1);
      assert.deepEqual(
        fs.readdirSync(folder).filter((name) => name.startsWith('cancelled')),
        [],
      );
    }
  });
});

test('says of a folder that holds no checkpoint what it lacks', async () => {
  writeFiles(folder, { 'notes/readme.txt': 'Nothing here\n' });
  const said =
    /notes is no checkpoint: it has neither config\.json nor tokenizer\.json nor model\.onnx/;
  for (const result of [
    await train({ out: 'none', more: ['--base', 'notes'] }),
    await run(['merge', '--base', 'notes', '--out', 'none', base]),
    await run(['merge', '--base', base, '--out', 'none', 'notes']),
    await run(['evaluate', '--data', 'data.jsonl', '--model', 'notes']),
  ]) {
    checkSentence(result, 2, said);
    assert.match(result.stderr, /Name a folder that holds all three, such as models\/bi-encoder/);
  }
  assert.deepEqual(
    fs.readdirSync(folder).filter((name) => name.startsWith('none')),
    ['none.recipe.json'],
  );
  // A part of one is named by what is missing.
  writeFiles(folder, { 'half/config.json': '{"model_type":"bert","hidden_size":8}' });
  const half = await run(['evaluate', '--data', 'data.jsonl', '--model', 'half']);
  checkSentence(half, 3, /half[/\\]model\.onnx/);
});

test('writes a line of progress with what is known', () => {
  assert.equal(
    progressLine({ stage: 'embedding texts', done: 64, total: 128 }),
    'embedding texts: 64 of 128',
  );
  const full = { loss: 0.5, metric: 0.61234, baseMetric: 0.6, secondsLeft: 3.2 };
  assert.equal(
    progressLine({ stage: 'training', done: 3, total: 10, ...full }),
    'training: 3 of 10, loss 0.5000, held out 0.6123, base 0.6000, about 4 s left',
  );
});
