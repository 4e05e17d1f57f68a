/** The vectors of the worked examples of the methods, by their names there. */
import { type Matrix, matrixOf } from '../../src/engine/training/losses/matrix';

/** F1: queries, their positives, a hard negative each. */
export const F1 = {
  queries: matrixOf([
    [1, 0, 0, 0.5],
    [0, 1, 0.5, 0],
    [0.5, 0, 1, 0],
  ]),
  positives: matrixOf([
    [0.9, 0.1, 0, 0.4],
    [0.2, 0.8, 0.6, 0],
    [0.3, 0.1, 0.9, 0.2],
  ]),
  negatives: matrixOf([
    [0.8, 0.3, 0.1, 0],
    [0.1, 0.7, 0, 0.5],
    [0.6, 0.2, 0.5, 0.1],
  ]),
};

/** F1 without dropout. */
export const F1_CLEAN = {
  queries: matrixOf([
    [1, 0.05, 0, 0.45],
    [0.1, 0.9, 0.55, 0],
    [0.4, 0.05, 0.95, 0.1],
  ]),
  positives: matrixOf([
    [0.95, 0.05, 0.05, 0.4],
    [0.15, 0.85, 0.6, 0.05],
    [0.3, 0.1, 0.95, 0.1],
  ]),
};

/** F3: rows for each case of positive mixing. */
export const F3 = {
  queries: matrixOf([
    [1, 0, 0],
    [0.7, 0.7, 0.1],
    [0.6, 0.6, 0.5],
  ]),
  positives: matrixOf([
    [0.9, 0.3, 0.1],
    [0.1, 1, 0.2],
    [0.9, 0.8, 0],
  ]),
};

/** F4: rows for hard-negative mixing. */
export const F4 = {
  queries: matrixOf([
    [1, 0.2, 0],
    [0.1, 1, 0.3],
    [0.3, 0.2, 1],
    [1, 1, 0.2],
  ]),
  positives: matrixOf([
    [0.9, 0.3, 0.1],
    [0.2, 0.9, 0.4],
    [0.2, 0.4, 0.9],
    [0.8, 1, 0.1],
  ]),
};

/** Similarities and labels of the losses over pairs. */
export const PAIRS = {
  similarities: Float64Array.of(0.9, 0.4, 0.7, 0.2),
  reversed: Float64Array.of(0.2, 0.7, 0.4, 0.9),
  labels: [1, 0.5, 0.5, 0],
  binary: [1, 1, 0, 0],
};

/** Random matrices for properties: numbers from -1 to 1. */
export function randomMatrix(rows: number, columns: number, random: () => number): Matrix {
  return matrixOf(
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => 2 * random() - 1)),
  );
}
