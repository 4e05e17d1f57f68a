/** Whole checkpoints merged, and a merge that is stopped in its middle. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { isAbort } from '../../../src/base/errors';
import { RunControl } from '../../../src/engine/training/control';
import { mergeModels } from '../../../src/engine/training/mergeModels';
import { temporaryFolder } from '../../support/temporaryFolder';
import { writeToyCheckpoint } from '../../support/toyCheckpoint';

const folder = temporaryFolder(after);
const base = writeToyCheckpoint(path.join(folder, 'base'));

/** Looked at between two pieces of work, it counts them, and cancels at one of them. */
class CountedControl extends RunControl {
  turnCount = 0;

  constructor(private readonly cancelAt = Infinity) {
    super();
  }

  override turn(): Promise<void> {
    if (++this.turnCount === this.cancelAt) this.cancel();
    return super.turn();
  }
}

function merge(out: string, control: RunControl): Promise<unknown> {
  const order = { base, models: [base, base], how: 'average', pull: 1 } as const;
  return mergeModels({ ...order, out: path.join(folder, out) }, control);
}

test('stops between two weights when it is cancelled, and writes no model', async () => {
  const whole = new CountedControl();
  await merge('whole', whole);
  assert.ok(fs.existsSync(path.join(folder, 'whole')));
  // It was one piece of work to the end: Ctrl-C, and the death of whoever waited, were heard when all was done.
  assert.ok(whole.turnCount > 8, `${whole.turnCount} turns`);
  const middle = Math.floor(whole.turnCount / 2);
  await assert.rejects(merge('stopped', new CountedControl(middle)), isAbort);
  assert.ok(!fs.existsSync(path.join(folder, 'stopped')));
  await merge('stopped', new CountedControl());
  assert.deepEqual(
    fs.readFileSync(path.join(folder, 'stopped/model.onnx')),
    fs.readFileSync(path.join(folder, 'whole/model.onnx')),
  );
});
