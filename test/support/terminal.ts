/** Runs a program on a terminal of its own, by script(1), and answers the question that it asks there. */
import { spawn, spawnSync } from 'node:child_process';

export interface TerminalResult {
  readonly status: number | null;
  /** All that the terminal showed, the reply included. */
  readonly text: string;
}

/** False to run, else why not. */
export function terminalMissing(): string | false {
  if (process.platform !== 'linux') return 'script(1) has other arguments outside Linux';
  const { status } = spawnSync('script', ['-qec', 'true', '/dev/null']);
  return status !== 0 && 'no script(1) here, which makes a terminal';
}

/** Types the reply once "[y/N]" stands there; resolves when the program has ended. */
export function answerInTerminal(
  [program, ...args]: readonly string[],
  reply: string,
): Promise<TerminalResult> {
  const command = [program!, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const env: NodeJS.ProcessEnv = { ...process.env, SHELL: '/bin/sh' };
  delete env.NODE_TEST_CONTEXT;
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', command, '/dev/null'], { env });
    let text = '';
    let hasReplied = false;
    child.stdout.setEncoding('utf8').on('data', (shown: string) => {
      text += shown;
      if (hasReplied || !text.includes('[y/N]')) return;
      hasReplied = true;
      child.stdin.write(`${reply}\n`);
    });
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, text }));
  });
}
