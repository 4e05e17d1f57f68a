/** Entry of the engine process: `engine.js --data DIR [--idle-ms N]` serves, `--task NAME` does one thing and ends. */
// Before anything can load the runtime, which reports home unless told otherwise.
process.env.ORT_DISABLE_TELEMETRY = '1';

void start(process.argv.slice(2));

async function start(args: readonly string[]): Promise<void> {
  const { readEngineArguments } = await import('./arguments');
  const options = readEngineArguments(args);
  if (options.task === undefined) await (await import('./serve')).serve(options);
  else await (await import('./tasks')).runTask(options.task, options);
}
