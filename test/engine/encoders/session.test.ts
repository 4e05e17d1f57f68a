import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { after, test } from 'node:test';
import * as esbuild from 'esbuild';
import { NearmissError } from '../../../src/base/errors';
import { installationRoot } from '../../../src/base/installation';
import { createSession } from '../../../src/engine/encoders/session';
import { encodeModel } from '../../../src/engine/onnx/codec';
import { temporaryFolder } from '../../support/temporaryFolder';
import { tinyModel } from '../../support/tinyModel';

const root = installationRoot();

test('a model runs: relu of (1, 1) times the matrix plus the bias is (4, 1)', async () => {
  const session = await createSession(encodeModel(tinyModel()));
  const input = { data: Float32Array.of(1, 1), shape: [1, 2] };
  const spare = { data: BigInt64Array.of(1n), shape: [1] };
  assert.deepEqual(session.inputNames, ['input']);
  const { data, shape } = await session.run({ input, spare }, 'output');
  assert.deepEqual(
    [[...data], shape],
    [
      [4, 1],
      [1, 2],
    ],
  );
  session.dispose();
  session.dispose();
});

test('bytes that are no model are one sentence with what to do', async () => {
  await assert.rejects(createSession(Uint8Array.of(1, 2, 3)), (error) => {
    assert.ok(error instanceof NearmissError);
    assert.equal(error.code, 'model');
    assert.doesNotMatch(error.message, /\n/);
    assert.ok(error.advice);
    return true;
  });
});

test("the runtime's report home is off before it loads, in whatever process loads it first", async () => {
  // The stand-in for the runtime tells what it finds in the environment when it is loaded.
  const outfile = path.join(temporaryFolder(after), 'load.cjs');
  await esbuild.build({
    stdin: {
      contents: `import { loadRuntime } from './src/engine/encoders/session'; loadRuntime();`,
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile,
    plugins: [
      {
        name: 'stand-in',
        setup(build) {
          build.onResolve({ filter: /^onnxruntime-node$/ }, () => ({
            path: 'runtime',
            namespace: 'stand-in',
          }));
          build.onLoad({ filter: /.*/, namespace: 'stand-in' }, () => ({
            contents: `console.log('telemetry disabled:', process.env.ORT_DISABLE_TELEMETRY);`,
          }));
        },
      },
    ],
  });
  const env = { ...process.env, ORT_DISABLE_TELEMETRY: undefined };
  const { stdout } = spawnSync(process.execPath, [outfile], { env, encoding: 'utf8' });
  assert.equal(stdout, 'telemetry disabled: 1\n');
});
