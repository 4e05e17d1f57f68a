import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import * as esbuild from 'esbuild';
import { NearmissError, isAbort } from '../../../src/base/errors';
import { installationRoot } from '../../../src/base/installation';
import { createLanes } from '../../../src/engine/encoders/lanes';
import { createSession } from '../../../src/engine/encoders/session';
import { temporaryFolder } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

const model = fs.readFileSync(`${writeToyCheckpoint(temporaryFolder(after))}/onnx/model.onnx`);

function inputs(...rows: number[][]) {
  const width = rows[0]!.length;
  const shape = [rows.length, width];
  const data = BigInt64Array.from(rows.flat().map(BigInt));
  const ones = new BigInt64Array(data.length).fill(1n);
  return {
    input_ids: { data, shape },
    attention_mask: { data: ones, shape },
    token_type_ids: { data: new BigInt64Array(data.length), shape },
  };
}

test('lanes give what one session gives', async () => {
  const session = await createSession(model);
  const lanes = await createLanes(model, { laneCount: 2 });
  try {
    const batches = Array.from({ length: 9 }, (_, i) => inputs([1, i % 7, 2]));
    const expected = await Promise.all(
      batches.map((batch) => session.run(batch, 'last_hidden_state')),
    );
    const actual = await Promise.all(batches.map((batch) => lanes.run(batch, 'last_hidden_state')));
    assert.deepEqual(actual, expected);
    assert.deepEqual(lanes.inputNames, session.inputNames);
    assert.equal(lanes.laneCount, 2);
  } finally {
    session.dispose();
    lanes.dispose();
  }
});

test('bytes that are no model are one error, from any lane', async () => {
  await assert.rejects(
    createLanes(Uint8Array.of(1, 2, 3), { laneCount: 2 }),
    (error) => error instanceof NearmissError && error.code === 'model',
  );
});

test('an output that does not exist is an error, and the lane goes on', async () => {
  const lanes = await createLanes(model, { laneCount: 1 });
  await assert.rejects(lanes.run(inputs([1, 2]), 'nothing'), NearmissError);
  assert.deepEqual((await lanes.run(inputs([1, 2]), 'last_hidden_state')).shape, [1, 2, 8]);
  lanes.dispose();
});

test('runs that wait when the lanes are closed are rejected as aborted', async () => {
  const lanes = await createLanes(model, { laneCount: 1 });
  const runs = Array.from({ length: 20 }, () => lanes.run(inputs([1, 2]), 'last_hidden_state'));
  lanes.dispose();
  const results = await Promise.allSettled(runs);
  assert.ok(results.some(({ status }) => status === 'rejected'));
  for (const result of results) if (result.status === 'rejected') assert.ok(isAbort(result.reason));
  await assert.rejects(lanes.run(inputs([1, 2]), 'last_hidden_state'), isAbort);
});

test('a process that exits in the middle of a run ends in good order', async () => {
  const root = installationRoot();
  const script = path.join(root, 'dist/test/laneExit.cjs');
  await esbuild.build({
    stdin: {
      contents: `
        import * as fs from 'node:fs';
        import { createLanes } from './src/engine/encoders/lanes';
        const bytes = fs.readFileSync('models/bi-encoder/model.onnx');
        const shape = [8, 128];
        const ones = { data: new BigInt64Array(1024).fill(1n), shape };
        const lanes = createLanes(bytes, { laneCount: 2 });
        void lanes.then((session) => {
          const inputs = { input_ids: ones, attention_mask: ones, token_type_ids: ones };
          for (let i = 0; i < 4; i++) void session.run(inputs, 'last_hidden_state');
          setTimeout(() => process.exit(7), 20);
        });`,
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: script,
    external: ['onnxruntime-node'],
  });
  const { status, stderr } = spawnSync(process.execPath, [script], { cwd: root, encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.equal(status, 7);
});
