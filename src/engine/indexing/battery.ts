/**
 * Is this machine on battery, and how full is it? Best effort: Linux tells in files, macOS through `pmset`;
 * where nothing can be learned the machine counts as plugged in.
 */
import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';

export interface Battery {
  readonly isDischarging: boolean;
  /** 0 to 1. */
  readonly charge: number;
}

const pluggedIn: Battery = { isDischarging: false, charge: 1 };
const PMSET_TIMEOUT_MS = 2000;

/** The battery now. Never throws. */
export async function readBattery(): Promise<Battery> {
  try {
    if (process.platform === 'linux') return await readPowerSupplies('/sys/class/power_supply');
    if (process.platform === 'darwin') return await askPmset();
  } catch {
    // A machine without a battery has no such files: that is the common case, not a failure.
  }
  return pluggedIn;
}

/** Reads a folder laid out as Linux' power_supply class. */
export async function readPowerSupplies(folder: string): Promise<Battery> {
  for (const name of (await fs.readdir(folder)).sort()) {
    const read = async (file: string): Promise<string> =>
      (await fs.readFile(path.join(folder, name, file), 'utf8').catch(() => '')).trim();
    // A mouse reports a battery too; only one that powers the system counts.
    if ((await read('type')) !== 'Battery' || (await read('scope')) === 'Device') continue;
    const charge = Number((await read('capacity')) || '100') / 100;
    return { isDischarging: (await read('status')) === 'Discharging', charge };
  }
  return pluggedIn;
}

/** Reads what `pmset -g batt` prints. */
export function parsePmset(output: string): Battery {
  const percent = /(\d+)%/.exec(output);
  return {
    isDischarging: output.includes("'Battery Power'"),
    charge: percent?.[1] === undefined ? 1 : Number(percent[1]) / 100,
  };
}

async function askPmset(): Promise<Battery> {
  const { stdout } = await promisify(execFile)('pmset', ['-g', 'batt'], {
    timeout: PMSET_TIMEOUT_MS,
  });
  return parsePmset(stdout);
}
