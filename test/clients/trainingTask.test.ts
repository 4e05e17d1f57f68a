/** Whoever started a training process, and what becomes of a run that took too much memory: with a stand-in process. */
import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, describe, test } from 'node:test';
import { runTraining } from '../../src/clients/trainingTask';
import type { TrainingPart, TrainRequest, TrainResult } from '../../src/protocol/training';
import { temporaryFolder, writeFiles } from '../support/temporaryFolder';

const folder = temporaryFolder(after);

/** Ends for want of memory until it was told to take less so often, then gives its request back. */
function standIn(enoughCuts: number): string {
  const name = `trainer${enoughCuts}.js`;
  writeFiles(folder, {
    [name]: `process.on('message', ({ request }) => {
      const cuts = request.memoryCuts ?? 0;
      if (cuts < ${enoughCuts}) {
        require('node:fs').writeSync(2, 'trainer: memory limit\\n');
        process.kill(process.pid, 'SIGKILL');
      } else process.send({ type: 'done', result: request }, () => process.exit(0));
    });`,
  });
  return path.join(folder, name);
}

function run(part: TrainingPart, enoughCuts: number, notes: string[]): Promise<TrainResult> {
  const request: TrainRequest = {
    ...{ kind: 'train', part, data: 'd', base: 'b', out: 'o', seed: 1, device: 'cpu' },
    ...{ resume: false, dataFolder: folder },
  };
  const { signal } = new AbortController();
  const onNote = (note: string): void => void notes.push(note);
  return runTraining({ trainerFile: standIn(enoughCuts), request, signal, onNote });
}

describe('a training process that took more memory than it was given', () => {
  test('is started again in smaller chunks, as often as that can help', async () => {
    const notes: string[] = [];
    const result: unknown = await run('bi-encoder', 2, notes);
    const { resume, memoryCuts } = result as TrainRequest;
    assert.deepEqual([resume, memoryCuts, notes.length], [true, 2, 2]);
    assert.match(
      notes[0]!,
      /more memory than the recipe allows; it goes on in chunks half as large/,
    );
    await assert.rejects(run('cross-encoder', 9, []), { code: 'memory' });
  });

  test('is given up at once where no chunk can be smaller', async () => {
    const notes: string[] = [];
    await assert.rejects(run('query-head', 1, notes), { code: 'memory' });
    assert.deepEqual(notes, []);
  });
});
