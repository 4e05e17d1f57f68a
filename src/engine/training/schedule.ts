/** The learning rate by step: up in a straight line while the moments settle, then down in one to zero. */

export interface Schedule {
  readonly peak: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/** The rate of a step, counted from 0; 0 from `totalSteps` on. */
export function learningRateAt(step: number, { peak, warmupSteps, totalSteps }: Schedule): number {
  if (step < warmupSteps) return (peak * step) / warmupSteps;
  const left = Math.max(totalSteps - step, 0);
  return (peak * left) / Math.max(totalSteps - warmupSteps, 1);
}
