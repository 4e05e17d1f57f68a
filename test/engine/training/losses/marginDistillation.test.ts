import { test } from 'node:test';
import {
  marginDistillation,
  writeMarginDistillation,
} from '../../../../src/engine/training/losses/marginDistillation';
import { checkLoss, columnOf } from '../../../support/lossChecks';

test("gives the worked loss of a teacher's margins, in both forms", async () => {
  const margins = [0.6, -0.2];
  await checkLoss({
    inputs: { positives: columnOf([0.8, 0.6]), negatives: columnOf([0.5, 0.7]) },
    reference: ({ positives, negatives }) => {
      const loss = marginDistillation({
        positives: positives.data,
        negatives: negatives.data,
        margins,
      });
      const gradients = {
        positives: columnOf(loss.gradients.positives),
        negatives: columnOf(loss.gradients.negatives),
      };
      return { value: loss.value, gradients };
    },
    write: writeMarginDistillation,
    feeds: { margins: columnOf(margins) },
    value: 0.05,
    // 2 (lead − margin) / n, opposite for the negatives.
    gradients: { positives: [[-0.3], [0.1]], negatives: [[0.3], [-0.1]] },
  });
});
