import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createEmbedder } from '../../../src/engine/encoders/biEncoder';
import { openSession } from '../../../src/engine/encoders/bundled';
import { type Checkpoint, readCheckpoint } from '../../../src/engine/encoders/checkpoint';
import { withCpuFallback } from '../../../src/engine/encoders/fallback';
import type { Session, SessionOutput } from '../../../src/engine/encoders/session';
import { type FramedTokenizer, loadTokenizer } from '../../../src/engine/encoders/tokenizer';
import { temporaryFolder } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

const scratch = temporaryFolder(after);
let checkpoint: Checkpoint;
let tokenizer: FramedTokenizer;
before(async () => {
  checkpoint = await readCheckpoint(writeToyCheckpoint(path.join(scratch, 'toy')));
  tokenizer = await loadTokenizer(checkpoint.folder);
});

interface Device {
  readonly session: Session;
  runCount: number;
  isDisposed: boolean;
}

/** A device whose run number `badRun` (from 1) ends as `fault` says. */
async function openDevice(
  badRun: number,
  fault: (right: SessionOutput) => SessionOutput,
): Promise<Device> {
  const cpu = await openSession(checkpoint, 'fp32');
  const device: Device = {
    runCount: 0,
    isDisposed: false,
    session: {
      inputNames: cpu.inputNames,
      outputNames: cpu.outputNames,
      async run(inputs, output) {
        const right = await cpu.run(inputs, output);
        return ++device.runCount === badRun ? fault(right) : right;
      },
      dispose() {
        device.isDisposed = true;
        cpu.dispose();
      },
    },
  };
  return device;
}

const texts = ['read the file', 'a class', 'return to the function in const', 'of files to read'];

/** Embeds one text a batch through a device that fails at the third, and compares with the CPU. */
async function checkLost(
  fault: (right: SessionOutput) => SessionOutput,
  reason: RegExp,
): Promise<void> {
  const parts = { checkpoint, tokenizer, arithmetic: 'fp32', tokenBudget: 1 };
  const cpu = createEmbedder({ ...parts, session: await openSession(checkpoint, 'fp32') });
  const expected = await cpu.embedDocuments(texts);
  cpu.dispose();
  const failing = await openDevice(3, fault);
  const reasons: string[] = [];
  let openCount = 0;
  const open = (): Promise<Session> => {
    openCount++;
    return openSession(checkpoint, 'fp32');
  };
  const session = withCpuFallback(failing.session, { open, onLost: (why) => reasons.push(why) });
  const embedder = createEmbedder({ ...parts, session });
  const actual = await embedder.embedDocuments(texts);
  const again = await embedder.embedDocuments(texts);
  embedder.dispose();
  assert.deepEqual(actual, expected);
  assert.deepEqual(again, expected);
  assert.equal(failing.runCount, 3);
  assert.equal(failing.isDisposed, true);
  assert.equal(openCount, 1);
  assert.equal(reasons.length, 1);
  assert.match(reasons[0]!, reason);
}

describe('a device that is lost in the middle of a run', () => {
  test('throws: the batch runs again on the CPU, and so does all that follows', () =>
    checkLost(() => {
      throw new Error('Device lost');
    }, /^Device lost$/));

  test('answers with zeros, or with what is no number', async () => {
    const filled = (value: number) => (right: SessionOutput) => ({
      ...right,
      data: right.data.map(() => value),
    });
    await checkLost(filled(0), /only zeros/);
    await checkLost(filled(NaN), /not finite/);
  });

  test('fails for good where the CPU cannot be had either', async () => {
    const failing = await openDevice(1, () => {
      throw new Error('Device lost');
    });
    const open = (): Promise<Session> => Promise.reject(new Error('no memory'));
    const session = withCpuFallback(failing.session, { open, onLost: () => undefined });
    const embedder = createEmbedder({ checkpoint, tokenizer, session, arithmetic: 'fp32' });
    await assert.rejects(embedder.embedQuery('read'), /no memory/);
    await assert.rejects(embedder.embedQuery('read'), /no memory/);
    embedder.dispose();
  });
});
