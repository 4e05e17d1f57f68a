/** What every bench prints: its figures beside their targets, and the machine, commit and date they come from. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import { installationRoot } from '../../src/base/installation';

export interface Figure {
  readonly label: string;
  readonly value: number;
  /** "ms", "s", "MB", "x"; nothing for plain numbers. */
  readonly unit?: string;
  /** What the figure shall be at least or at most. */
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Digits after the point; 3 for plain numbers, 1 with a unit. */
  readonly digits?: number;
}

/** What follows the bench's name (`quality-docs-tldr` gives "docs-tldr"), and the options behind it. */
export const benchArgument = process.argv[2] ?? '';
const isJson = process.argv.includes('--json');

/** The value of `--NAME VALUE`, or undefined. */
export function benchOption(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

/** A line on stderr about what is going on: stdout carries the report only. */
export function note(message: string): void {
  process.stderr.write(`${message}\n`);
}

/** Prints the figures as a table, or as one line of JSON with `--json`. */
export function report(bench: string, figures: readonly Figure[]): void {
  const origin = { machine: machine(), commit: commit(), date: new Date().toISOString() };
  if (isJson) {
    console.log(JSON.stringify({ bench, ...origin, figures }));
    return;
  }
  const width = Math.max(...figures.map(({ label }) => label.length));
  console.log(bench);
  for (const figure of figures) console.log(`  ${figure.label.padEnd(width)}  ${shown(figure)}`);
  console.log(`  ${origin.machine}; commit ${origin.commit}; ${origin.date}`);
}

/** The q-quantile (0 to 1) of some numbers, by the nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? NaN;
}

/** Runs the action and says how many milliseconds it took. */
export async function timed<T>(action: () => Promise<T> | T): Promise<{ value: T; ms: number }> {
  const start = performance.now();
  const value = await action();
  return { value, ms: performance.now() - start };
}

/** True where the processor multiplies bytes and adds them up in one instruction. */
export function hasVnni(): boolean {
  try {
    return /\b(avx512_vnni|avx_vnni)\b/.test(fs.readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return false;
  }
}

function shown({ value, unit, atLeast, atMost, digits }: Figure): string {
  const text = `${value.toFixed(digits ?? (unit ? 1 : 3))}${unit ? ` ${unit}` : ''}`.padEnd(12);
  if (atLeast !== undefined)
    return `${text} target at least ${atLeast}: ${value >= atLeast ? 'met' : 'missed'}`;
  if (atMost !== undefined)
    return `${text} target at most ${atMost}: ${value <= atMost ? 'met' : 'missed'}`;
  return text.trimEnd();
}

function machine(): string {
  const cores = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  const vnni = hasVnni() ? 'VNNI' : 'no VNNI known';
  const load = os.loadavg()[0] ?? 0;
  return `${cores[0]?.model.trim() ?? os.arch()}, ${cores.length} cores, ${vnni}, ${memory} GB, Node ${process.versions.node}, load ${load.toFixed(1)}`;
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: installationRoot(), encoding: 'utf8' }).trim();
  try {
    const isDirty = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${isDirty ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}
