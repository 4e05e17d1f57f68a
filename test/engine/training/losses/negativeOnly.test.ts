import { test } from 'node:test';
import {
  negativeOnly,
  referenceOf,
  writeNegativeOnly,
} from '../../../../src/engine/training/losses/negativeOnly';
import { assertNear, checkLoss, columnOf } from '../../../support/lossChecks';

for (const { cosine, value, slope } of [
  { cosine: 0.71, value: 0.161998, slope: 0.960834 },
  { cosine: 0.5, value: 0.015663, slope: 0.268941 },
]) {
  test(`gives the worked push of a marked chunk at cosine ${cosine}, in both forms`, async () => {
    await checkRows([cosine], [0.6], { value, gradient: [[slope]] });
  });
}

test('averages over rows, in both forms', async () => {
  await checkRows([0.9, 0.1, 0.55], [0.5, 0.7, 0.6], {});
});

async function checkRows(
  cosines: readonly number[],
  references: readonly number[],
  worked: { readonly value?: number; readonly gradient?: readonly (readonly number[])[] },
): Promise<void> {
  await checkLoss({
    inputs: { similarities: columnOf(cosines) },
    reference: ({ similarities }) => {
      const loss = negativeOnly({ similarities: similarities.data, references, temperature: 0.05 });
      const gradients = { similarities: columnOf(loss.gradients.similarities) };
      return { value: loss.value, gradients };
    },
    write: (writer, names) => writeNegativeOnly(writer, names, 0.05),
    feeds: { references: columnOf(references) },
    value: worked.value,
    gradients: worked.gradient ? { similarities: worked.gradient } : {},
  });
}

test('compares with the mean of the three best unmarked hits', () => {
  assertNear([referenceOf([0.1, 0.7, 0.5, 0.6, 0.2])], [0.6], 1e-12);
  assertNear([referenceOf([0.4, 0.2])], [0.3], 1e-12);
});
