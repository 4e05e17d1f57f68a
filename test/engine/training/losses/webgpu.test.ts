/** Loss graphs on WebGPU against the CPU, on a software Vulkan device where one is installed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DataType } from '../../../../src/engine/onnx/model';
import { writeBatchSoftmax } from '../../../../src/engine/training/losses/batchSoftmax';
import {
  offsetBlocks,
  ownTargets,
  writeContrast,
} from '../../../../src/engine/training/losses/contrast';
import { cosentOffsets, writeCosent } from '../../../../src/engine/training/losses/cosent';
import { writeDimensionWise } from '../../../../src/engine/training/losses/dimensionWise';
import { hardNegativeOffsets } from '../../../../src/engine/training/losses/infoNce';
import { writeNegativeOnly } from '../../../../src/engine/training/losses/negativeOnly';
import {
  similarityFeeds,
  writeSimilarityLoss,
} from '../../../../src/engine/training/losses/similarity';
import type { GraphWriter } from '../../../../src/engine/training/graphWriter';
import { type Matrices, assertNear, columnOf, runGraph } from '../../../support/lossChecks';
import { F1, F1_CLEAN, PAIRS } from '../../../support/lossFixtures';
import { SOFTWARE_DEVICE, softwareDeviceMissing } from '../../../support/softwareDevice';

interface DeviceCase {
  readonly inputs: Matrices;
  readonly feeds: Matrices;
  write(writer: GraphWriter, names: Readonly<Record<string, string>>): string;
}

const { queries, positives, negatives } = F1;
const offsets = hardNegativeOffsets(3, { hardNegativeWeight: 2 });
offsets.data[1] = -Infinity;
const targets = ownTargets(3);
const similarities = columnOf(PAIRS.similarities);

const CASES: Readonly<Record<string, DeviceCase>> = {
  // Logits of 100, which overflow where the largest is not taken out.
  'contrast at a low temperature, masked': {
    inputs: { queries, positives, negatives },
    feeds: { targets, ...offsetBlocks(offsets) },
    write: (writer, names) =>
      writeContrast(writer, {
        ...{ queries: names.queries!, positives: names.positives!, extra: names.negatives! },
        ...{ targets: names.targets!, offsets: names.offsets!, extraOffsets: names.extraOffsets! },
        inverseTemperature: writer.constant(100),
      }),
  },
  'clean negatives': {
    inputs: { queries, positives, clean: F1_CLEAN.queries },
    feeds: { targets },
    write: (writer, names) =>
      writeContrast(writer, {
        ...{ queries: names.queries!, positives: names.positives!, targets: names.targets! },
        clean: { queries: names.clean!, positives: names.clean! },
        inverseTemperature: writer.constant(5),
        positiveScale: 0.9,
      }),
  },
  'batch softmax by coordinates': {
    inputs: { queries, positives },
    feeds: { targets },
    write: (writer, names) =>
      writeBatchSoftmax(writer, {
        ...{ queries: names.queries!, answers: names.positives!, targets: names.targets! },
        ...{ inverseTemperature: writer.constant(1), normalization: 'coordinate' },
      }),
  },
  dimensions: {
    inputs: { first: queries, second: positives },
    feeds: {},
    write: (writer, { first, second }) =>
      writeDimensionWise(writer, { first: first!, second: second!, t: 5 }),
  },
  'the three losses of pairs': {
    inputs: { similarities },
    feeds: { ...similarityFeeds(PAIRS.labels, 0.05)! },
    write: (writer, names) =>
      writeSimilarityLoss(
        writer,
        names.similarities!,
        names as Parameters<typeof writeSimilarityLoss>[2],
        0.05,
      ),
  },
  CoSENT: {
    inputs: { similarities },
    feeds: { offsets: cosentOffsets(PAIRS.labels) },
    write: (writer, names) =>
      writeCosent(writer, { similarities: names.similarities!, offsets: names.offsets! }),
  },
  'a lone negative': {
    inputs: { similarities },
    feeds: { references: columnOf([0.6, 0.6, 0.6, 0.6]) },
    write: (writer, names) =>
      writeNegativeOnly(
        writer,
        { similarities: names.similarities!, references: names.references! },
        0.05,
      ),
  },
};

describe('a loss on WebGPU', { skip: softwareDeviceMissing }, () => {
  for (const [name, loss] of Object.entries(CASES)) {
    test(`gives what the CPU gives, to 1e-4: ${name}`, async () => {
      process.env.VK_ICD_FILENAMES = SOFTWARE_DEVICE;
      const expected = await runGraph(loss, DataType.FLOAT);
      const actual = await runGraph(loss, DataType.FLOAT, 'webgpu');
      assertNear([actual.value], [expected.value], 1e-4);
      for (const [input, { data }] of Object.entries(expected.gradients)) {
        assertNear(actual.gradients[input]!.data, data, 1e-4, input);
        assert.ok(
          data.some((g) => Math.abs(g) > 1e-3),
          `the gradient of ${input} is zero`,
        );
      }
    });
  }
});
