/** What a piece of work costs: time of the processor, which other programs disturb little, and the peak of memory. */
import * as fs from 'node:fs';

export interface Cost {
  /** Of all processor cores together. */
  readonly cpuSeconds: number;
  /** The most that was resident while it ran, and how much of that was not before. Linux only; NaN elsewhere. */
  readonly peakMb: number;
  readonly grownMb: number;
}

export async function withCost<T>(
  action: () => Promise<T> | T,
): Promise<{ readonly value: T; readonly cost: Cost }> {
  global.gc?.();
  resetPeak();
  const before = peakMb();
  const start = process.cpuUsage();
  const value = await action();
  const { user, system } = process.cpuUsage(start);
  const peak = peakMb();
  return {
    value,
    cost: { cpuSeconds: (user + system) / 1e6, peakMb: peak, grownMb: peak - before },
  };
}

/** From here on the peak is counted anew. */
function resetPeak(): void {
  try {
    fs.writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Elsewhere the peak is not known.
  }
}

function peakMb(): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8')) ?? [];
    return Number(kilobytes) / 1024;
  } catch {
    return NaN;
  }
}
