/** Runs of toy encoders whose device or memory is taken away in the middle. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, describe, test } from 'node:test';
import { NearmissError } from '../../../src/base/errors';
import { runError } from '../../../src/engine/encoders/graphSession';
import { readModelBytes } from '../../../src/engine/encoders/checkpoint';
import { loadTokenizer } from '../../../src/engine/encoders/tokenizer';
import { BiEncoderLearner } from '../../../src/engine/training/biEncoderLearner';
import { buildEncoderGraphs } from '../../../src/engine/training/encoderGraphs';
import { settleMeans } from '../../../src/engine/training/encoderMeans';
import { type RunIdentity, RunFiles } from '../../../src/engine/training/runFiles';
import {
  type TrainableEncoder,
  openEncoderGraphs,
} from '../../../src/engine/training/trainableEncoder';
import { trainEncoder } from '../../../src/engine/training/trainEncoder';
import { SOFTWARE_DEVICE, softwareDeviceMissing } from '../../support/softwareDevice';
import { temporaryFolder } from '../../support/temporaryFolder';
import { type ContextOptions, toyContext } from '../../support/trainingContext';

const scratch = temporaryFolder(after);

const identity: RunIdentity = {
  ...{ part: 'p', base: 'b', dataHash: 'd', heldOutHash: '', recipe: {}, seed: 1 },
};

type Open = typeof openEncoderGraphs;

async function run(
  name: string,
  options: ContextOptions,
  open?: Open,
): Promise<{ readonly model: Buffer; readonly notes: readonly string[] }> {
  const { context, notes } = await toyContext(scratch, options);
  const out = path.join(scratch, name);
  const files = new RunFiles(out, identity);
  await files.prepare(false);
  await trainEncoder(options.part, context, files, open);
  return { model: fs.readFileSync(path.join(out, 'model.onnx')), notes };
}

/** The processor, which passes for WebGPU and fails at one of its runs; counts them. */
function failsAt(
  runIndex: number,
  { fault, provider }: { readonly fault: unknown; readonly provider: string },
  onRun: (count: number) => void = () => undefined,
): Open {
  let count = 0;
  return async (graphs, place) => {
    const encoder = await openEncoderGraphs(graphs, { ...place, provider: 'cpu' });
    if (place.provider !== provider) return encoder;
    const counted =
      <A extends unknown[], T>(method: (...args: A) => Promise<T>) =>
      (...args: A): Promise<T> => {
        onRun(count);
        if (count++ === runIndex) return Promise.reject(runError(provider, fault));
        return method(...args);
      };
    const faulty: TrainableEncoder = {
      weights: encoder.weights,
      masks: encoder.masks,
      encode: counted((chunk) => encoder.encode(chunk)),
      addGradients: counted((...args) => encoder.addGradients(...args)),
      step: counted((...args) => encoder.step(...args)),
      zeroSums: () => encoder.zeroSums(),
      dispose: () => encoder.dispose(),
    };
    return faulty;
  };
}

const parts = ['bi-encoder', 'cross-encoder'] as const;
const lost = {
  fault: new Error('WebGPU device lost: the driver was reset'),
  provider: 'webgpu',
};
const full = { fault: new Error('std::bad_alloc'), provider: 'cpu' };

describe('an encoder in training', () => {
  test('goes on by the processor from its last state when the device is lost, to the same bytes', async () => {
    for (const part of parts) {
      const options = { part, device: 'webgpu' } as const;
      let last = 0;
      const never = failsAt(Infinity, lost, (count) => (last = count));
      const whole = await run(`whole ${part}`, options, never);
      // Before the first saved state, in the middle, and while what was written is verified.
      for (const share of part === 'bi-encoder' ? [0.15, 0.5, 1] : [0.5]) {
        const name = `lost ${part} at ${share}`;
        const runIndex = Math.round(share * last);
        const { model, notes } = await run(name, options, failsAt(runIndex, lost));
        assert.ok(model.equals(whole.model), name);
        const said = notes.filter((note) => note.includes('stopped working'));
        assert.equal(said.length, 1, notes.join('\n'));
        assert.match(said[0]!, /device lost.*; the processor goes on from the last saved state/);
      }
    }
  });

  test('halves its chunks when memory runs out, says so, and gives up where it cannot', async () => {
    const part = 'bi-encoder';
    const options = { part, changes: { chunkTokens: 500 } } as const;
    const { notes } = await run('full', options, failsAt(20, full));
    assert.deepEqual(notes, [
      'There is no memory left for chunks of 500 tokens; the run goes on from the last saved state with chunks of 250',
    ]);
    const small = { part, changes: { chunkTokens: 60 } } as const;
    await assert.rejects(run('gives up', small, failsAt(20, full)), { code: 'memory' });
  });

  test('starts with half the chunk for each time that its process was ended for memory', async () => {
    const { context, notes } = await toyContext(scratch, {
      ...{ part: 'bi-encoder', changes: { chunkTokens: 800 }, memoryCuts: 2 },
    });
    let chunk: unknown;
    const files = new RunFiles(path.join(scratch, 'cut'), identity);
    await files.prepare(false);
    const writeRecord: typeof context.writeRecord = (_folder, _result, _settled, more) => {
      chunk = more?.chunkTokens;
      return Promise.resolve();
    };
    await trainEncoder('bi-encoder', { ...context, writeRecord }, files);
    assert.deepEqual([chunk, notes], [200, []]);
  });

  test('does not try a device again that ended the process, and keeps to what it chose', async () => {
    const options = { part: 'bi-encoder', device: 'auto' } as const;
    const { context, notes } = await toyContext(scratch, options);
    const files = new RunFiles(path.join(scratch, 'crashed'), identity);
    await files.prepare(false);
    const crash: Open = (graphs, place) => {
      // What a driver does that takes the process along: nothing comes back.
      if (place.provider === 'webgpu') throw new NearmissError('provider', 'crash');
      return openEncoderGraphs(graphs, place);
    };
    await files.writeNote('trial.json', true);
    await trainEncoder('bi-encoder', context, files, (graphs, place) => {
      assert.equal(place.provider, 'cpu');
      return crash(graphs, place);
    });
    assert.match(notes.join(), /WebGPU is not tried again: it ended the process/);
  });
});

describe('an encoder in training on WebGPU', { skip: softwareDeviceMissing }, () => {
  test('times a step there and on the processor, finds the same loss, and says which is faster', async () => {
    process.env.VK_ICD_FILENAMES = SOFTWARE_DEVICE;
    const { context, notes } = await toyContext(scratch, { part: 'bi-encoder', device: 'auto' });
    const graphs = await buildEncoderGraphs(await readModelBytes(context.base.modelFile), {
      pooling: 'mean',
      selection: { lastLayers: 1 },
    });
    const files = new RunFiles(path.join(scratch, 'timed'), identity);
    await files.prepare(false);
    const tokenizer = await loadTokenizer(context.base.folder);
    const { plan, seed, base: checkpoint } = context;
    const { choice } = await settleMeans({
      ...{ context, files, graphs },
      withTrial: async (provider, chunkTokens, action) => {
        const encoder = await openEncoderGraphs(graphs, { provider });
        const recipe = { ...context.recipe, dropout: 0, rows: 2, negatives: 1, chunkTokens };
        const task = { plan, recipe, seed, checkpoint, tokenizer, encoder };
        const learner = new BiEncoderLearner(task);
        try {
          return await action(learner);
        } finally {
          learner.dispose();
          encoder.dispose();
        }
      },
    });
    assert.match(notes.join('\n'), /\d+ ms a step of 4 rows against \d+ ms, the same loss/);
    const [cpu, webgpu] = choice!.trials;
    assert.ok(cpu!.loss! > 0.1 && Math.abs(cpu!.loss! - webgpu!.loss!) < 1e-4);
  });
});
