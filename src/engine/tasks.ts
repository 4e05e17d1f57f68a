/**
 * What must work when no engine can start: doctor and clear, each in a process of its own. One JSON object
 * a line on stdout, for the client that started it.
 */
import { serializeError } from '../base/errors';
import type { TaskMessage } from '../protocol/engineLock';
import type { EngineArguments, TaskName } from './arguments';
import { clearData, forgetData } from './clear';
import { runDoctor } from './doctor';

/** Runs the task and ends the process; exit code 3 when it failed itself. */
export async function runTask(task: TaskName, options: EngineArguments): Promise<void> {
  process.umask(0o077);
  // Whoever asked has gone: nobody is left to tell.
  process.stdout.on('error', () => process.exit(0));
  try {
    const result = await tasks[task](options);
    await say({ type: 'done', ...result });
    process.exitCode = 0;
  } catch (error) {
    await say({ type: 'failed', error: serializeError(error) });
    process.exitCode = 3;
  }
  // Native libraries may keep threads alive.
  process.exit();
}

const tasks: {
  readonly [T in TaskName]: (options: EngineArguments) => Promise<{ freedBytes?: number }>;
} = {
  async doctor({ dataFolder, fix }) {
    await runDoctor({ dataFolder, fix }, (finding) => say({ type: 'finding', finding }));
    return {};
  },
  clear({ dataFolder, folder, isAll, marks }) {
    const nobody = (): Promise<void> => Promise.resolve();
    return marks
      ? forgetData(dataFolder, folder, { release: nobody, forgetMarks: nobody })
      : clearData(dataFolder, { folder, isAll }, nobody);
  },
};

function say(message: TaskMessage): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(message)}\n`, () => resolve());
  });
}
