/** Which processes run, read from /proc where there is one and from `ps` elsewhere. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';

export interface RunningProcess {
  readonly pid: number;
  readonly parentPid: number;
  readonly command: string;
}

/** Children of a process that have not ended; nothing where processes cannot be listed (Windows). */
export function childProcesses(parentPid: number): RunningProcess[] {
  return runningProcesses().filter((candidate) => candidate.parentPid === parentPid);
}

/** Engine, indexer, probe and training processes that were started for a data folder. */
export function productProcesses(dataFolder: string): RunningProcess[] {
  return runningProcesses().filter(
    ({ pid, command }) =>
      /\bdist\/(engine|indexer|probe|trainer)\.js\b/.test(command) &&
      (command.includes(dataFolder) || readProc(pid, 'environ').includes(dataFolder)),
  );
}

/** Processes that have to do with a folder: by their command, or by their environment (a home in it, say). */
export function processesUsing(folder: string): RunningProcess[] {
  return runningProcesses().filter(
    ({ pid, command }) => command.includes(folder) || readProc(pid, 'environ').includes(folder),
  );
}

/** Waits until none of them is left, and returns those that stay. */
export async function waitForNoProcess(
  dataFolder: string,
  timeoutMs = 5000,
): Promise<RunningProcess[]> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const left = productProcesses(dataFolder);
    if (left.length === 0 || performance.now() > end) return left;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function runningProcesses(): RunningProcess[] {
  if (process.platform === 'win32') return [];
  if (!fs.existsSync('/proc/self/stat')) return fromPs();
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      // "pid (name) state parent ...", and the name may hold blanks and parentheses.
      const stat = readProc(Number(name), 'stat');
      const [state, parentPid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (!state || state === 'Z') return [];
      const command = readProc(Number(name), 'cmdline').replaceAll('\0', ' ').trim();
      return [{ pid: Number(name), parentPid: Number(parentPid), command }];
    });
}

function fromPs(): RunningProcess[] {
  const own = process.pid;
  return execFileSync('ps', ['-axo', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .flatMap((match) =>
      match
        ? [{ pid: Number(match[1]), parentPid: Number(match[2]), command: match[3] ?? '' }]
        : [],
    )
    .filter(({ parentPid, command }) => !(parentPid === own && command.startsWith('ps ')));
}

/** A file of /proc/PID, empty when the process has ended or belongs to somebody else. */
function readProc(pid: number, name: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
