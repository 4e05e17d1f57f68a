/** The commands, their arguments and options. Names and shapes are fixed: other programs call them. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { NearmissError } from '../../base/errors';
import { productVersion } from '../../base/installation';
import { clear, doctor, pause, resume, status, why } from './careCommands';
import { exitDone } from './failure';
import { index } from './indexCommand';
import { exportMarks, importMarks, listMarks, mark, undoMark } from './markCommands';
import { addModel, listModels, useModel, verifyModels } from './modelCommands';
import { search, similar } from './searchCommand';
import type { CommonOptions } from './session';

/** Runs the command that `args` name and returns the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  if (args.length === 0)
    throw new NearmissError('usage', 'Give a command', '`nearmiss --help` lists them');
  let exitCode = exitDone;
  const act =
    <A extends unknown[]>(action: (...given: A) => Promise<number>) =>
    async (...given: A): Promise<void> => {
      exitCode = await action(...given);
    };
  const program = new Command('nearmiss')
    .description('Search the code and documents of a folder by meaning, on this machine')
    .version(productVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .enablePositionalOptions()
    .helpCommand(false);
  addIndexCommands(program, act);
  addSearchCommands(program, act);
  addMarkCommands(program, act);
  addCareCommands(program, act);
  addModelCommands(program, act);
  await program.parseAsync([...args], { from: 'user' });
  return exitCode;
}

type Act = <A extends unknown[]>(
  action: (...given: A) => Promise<number>,
) => (...given: A) => Promise<void>;

function addIndexCommands(program: Command, act: Act): void {
  common(program.command('index'))
    .description('index a folder and keep it fresh while an engine runs')
    .argument('[folder]', 'folder to index', '.')
    .option('--json', 'print the result as JSON')
    .option('--wait', 'end when everything is embedded')
    .option('--include <glob>', 'index only what matches; may be repeated', collect)
    .option('--exclude <glob>', 'leave out what matches; may be repeated', collect)
    .option('-y, --yes', 'index a home folder or a very large one without asking')
    .action(act(index));
  common(program.command('pause'))
    .description('stop indexing until resume')
    .argument('[folder]', 'one folder; without it, all')
    .option('--json', 'print the status as JSON')
    .action(act(pause));
  common(program.command('resume'))
    .description('go on indexing')
    .argument('[folder]', 'one folder; without it, all')
    .option('--json', 'print the status as JSON')
    .action(act(resume));
}

function addSearchCommands(program: Command, act: Act): void {
  common(program.command('search'))
    .description('search a folder; it is indexed first where that was not done')
    .argument('[query...]', 'what to look for: words, a question, a symbol, a path')
    .option('--queries <file>', 'answer every line of a JSONL file ({"_id" or "qid", "text"})')
    .option('--folder <folder>', 'folder to search', '.')
    .option('--limit <count>', 'number of hits', count, 10)
    .option('--path <glob>', 'only paths that match; may be repeated', collect)
    .option('--lang <language>', 'only this language; may be repeated', collect)
    .option('--kind <kind>', 'only this kind of chunk; may be repeated', collect)
    .option('--no-rerank', 'leave the cross-encoder out')
    .option('--explain', 'say what each part contributed')
    .option('--json', 'print the result as JSON')
    .option('--wait', 'index everything before answering')
    .option('-y, --yes', 'index a home folder or a very large one without asking')
    .action(act(search));
  common(program.command('similar'))
    .description('find places that mean what these lines mean')
    .argument('<file:line[-line]>', 'lines of an indexed file')
    .option('--folder <folder>', 'folder to search', '.')
    .option('--limit <count>', 'number of hits', count, 10)
    .option('--explain', 'say what each part contributed')
    .option('--json', 'print the result as JSON')
    .option('-y, --yes', 'index a home folder or a very large one without asking')
    .action(act(similar));
}

function addMarkCommands(program: Command, act: Act): void {
  inFolder(program.command('mark'))
    .description('say that a hit is relevant for a query, or not; it counts at once')
    .argument('<query>', 'the query, as one argument')
    .argument('<path:start-end>', 'lines of an indexed file')
    .option('--relevant', 'it answers the query')
    .option('--not-relevant', 'it does not')
    .action(act(mark));
  const marks = program.command('marks').description('what was marked');
  inFolder(marks.command('list', { isDefault: true }))
    .description('list them')
    .action(act(listMarks));
  inFolder(marks.command('undo'))
    .description('take a mark back')
    .argument('[id]', 'its id or how that begins; without it, the last mark')
    .action(act(undoMark));
  inFolder(marks.command('export'))
    .description('write all marks to a file, a line of JSON each')
    .argument('<file>', 'the file; what it holds is replaced')
    .action(act(exportMarks));
  inFolder(marks.command('import'))
    .description('add the marks of such a file')
    .argument('<file>', 'the file')
    .action(act(importMarks));
}

function inFolder(command: Command): Command {
  return common(command)
    .option('--folder <folder>', 'the indexed folder', '.')
    .option('--json', 'print the result as JSON');
}

function addCareCommands(program: Command, act: Act): void {
  common(program.command('status'))
    .description('what is indexed, how far, and by which model')
    .option('--folder <folder>', 'one folder; without it, all')
    .option('--json', 'print the result as JSON')
    .action(act(status));
  common(program.command('why'))
    .description('say why a file is or is not in the index')
    .argument('<path>', 'the file')
    .option('--folder <folder>', 'the indexed folder', '.')
    .option('--json', 'print the result as JSON')
    .action(act(why));
  common(program.command('doctor'))
    .description('look for what is wrong; a line each')
    .option('--fix', 'repair what can be computed anew')
    .option('--json', 'print the result as JSON')
    .action(act(doctor));
  common(program.command('clear'))
    .description("forget a folder's index")
    .argument('[folder]', 'the indexed folder', '.')
    .option('--all', 'every index and all embeddings')
    .option('--marks', 'the marks too, which are kept otherwise')
    .option('--json', 'print the result as JSON')
    .action(act(clear));
}

function addModelCommands(program: Command, act: Act): void {
  const models = program.command('models').description('the models that searches rest on');
  common(models.command('list', { isDefault: true }))
    .description('list them')
    .option('--json', 'print the result as JSON')
    .action(act(listModels));
  common(models.command('add'))
    .description('take a checkpoint in the layout of the hub')
    .argument('<folder>', 'folder with config.json, tokenizer.json and the ONNX file')
    .option('--json', 'print the result as JSON')
    .action(act(addModel));
  common(models.command('verify'))
    .description('compare every model with its recorded sha256')
    .option('--json', 'print the result as JSON')
    .action(act(verifyModels));
  common(models.command('use'))
    .description('embed with another checkpoint from now on')
    .argument('<name>', 'name or fingerprint as `models list` prints it')
    .option('--json', 'print the result as JSON')
    .action(act(useModel));
}

function common(command: Command): Command {
  return command
    .addOption(new Option('--data <folder>', 'where indexes live').env('NEARMISS_HOME'))
    .option('-v, --verbose', 'print stack traces of failures')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {} }) as Command & { opts(): CommonOptions };
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function count(value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && 1 <= number && number <= 1000) return number;
  throw new InvalidArgumentError('It must be a whole number from 1 to 1000');
}
