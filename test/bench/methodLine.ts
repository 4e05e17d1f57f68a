/** A line of the methods' tables: nDCG@10, the change with its 95 % interval, and what it cost. */
import { mean } from '../../src/engine/training/metrics';
import { studentInterval } from '../../src/engine/training/statistics';
import type { Cost } from './cost';

export interface Outcome {
  /** Of each query; none where nothing was judged. */
  readonly values: readonly number[];
  /** Of one training; nothing where none was. */
  readonly cost?: Cost;
}

/** Mean time, and the largest memory. */
export function costOfOne(costs: readonly Cost[]): Cost {
  return {
    cpuSeconds: mean(costs.map(({ cpuSeconds }) => cpuSeconds)),
    peakMb: Math.max(...costs.map(({ peakMb }) => peakMb)),
    grownMb: Math.max(...costs.map(({ grownMb }) => grownMb)),
  };
}

export function line(label: string, { values, cost }: Outcome, against?: Outcome): void {
  const figure = values.length > 0 ? mean(values).toFixed(4) : '';
  const paid = cost
    ? `${cost.cpuSeconds.toFixed(1)} s, +${cost.grownMb.toFixed(0)} of ${cost.peakMb.toFixed(0)} MB`
    : '';
  console.log(
    `  ${label.padEnd(44)} ${figure.padEnd(6)}  ${change(values, against).padEnd(28)}  ${paid}`,
  );
}

function change(values: readonly number[], against: Outcome | undefined): string {
  if (!against || values.length === 0) return '';
  const gain = studentInterval(values.map((value, i) => value - against.values[i]!));
  const sign = (x: number): string => (x >= 0 ? '+' : '') + x.toFixed(4);
  return `${sign(gain.mean)} [${sign(gain.low)}, ${sign(gain.high)}]`;
}
