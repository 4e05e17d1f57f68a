/** Entry of the command line: runs one command and sets the exit code. stdout carries results only. */
import { reportError } from './failure';
import { runCommandLine } from './program';

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

void run();

async function run(): Promise<void> {
  const args = process.argv.slice(2);
  try {
    process.exitCode = await runCommandLine(args);
  } catch (error) {
    const isVerbose = args.includes('--verbose') || args.includes('-v');
    process.exitCode = reportError(error, isVerbose, (line) => process.stderr.write(`${line}\n`));
  }
}
