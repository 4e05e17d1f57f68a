import { test } from 'node:test';
import { anchorLoss, writeAnchorLoss } from '../../../../src/engine/training/losses/anchor';
import { matrixOf } from '../../../../src/engine/training/losses/matrix';
import { checkLoss } from '../../../support/lossChecks';

test('gives the worked distance to the base, in both forms', async () => {
  const base = matrixOf([
    [1, 0, 0],
    [0, 0.8, 0.6],
  ]);
  const now = matrixOf([
    [0.98, 0.1, 0],
    [0.1, 0.8, 0.6],
  ]);
  await checkLoss({
    inputs: { now },
    reference: (inputs) => anchorLoss(inputs.now, base),
    write: writeAnchorLoss,
    feeds: { base },
    value: 0.005064,
  });
});
