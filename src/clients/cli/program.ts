/** The commands, their arguments and options. Names and shapes are fixed: other programs call them. */
import { Command, Option } from 'commander';
import { NearmissError } from '../../base/errors';
import { productVersion } from '../../base/installation';
import { clear, doctor, pause, resume, status, why } from './careCommands';
import { exitDone } from './failure';
import { index } from './indexCommand';
import { adapt, learn, report } from './learnCommands';
import { exportMarks, importMarks, listMarks, mark, undoMark } from './markCommands';
import { mcp } from './mcpCommand';
import { shareMarks, shareVersion, showShared, takeMarks, takeVersion } from './shareCommands';
import { addModel, listModels, showCatalog, useModel, verifyModels } from './modelCommands';
import { collect, count, minutes, tokens, whole, zeroToOne } from './optionValues';
import { review } from './reviewCommand';
import { search, similar } from './searchCommand';
import type { CommonOptions } from './session';
import { evaluate, merge, mine, train } from './trainCommands';
import { compare, revert, versions } from './versionCommands';

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
  addLearningCommands(program, act);
  addCareCommands(program, act);
  addModelCommands(program, act);
  addAgentCommands(program, act);
  addTrainingCommands(program, act);
  refuseUnknownOfGroup(program, args);
  await program.parseAsync([...args], { from: 'user' });
  return exitCode;
}

/** `marks`, say, lists them by itself, so that Commander takes a word it does not know for an argument of `list`. */
function refuseUnknownOfGroup(program: Command, [name, given]: readonly string[]): void {
  const group = program.commands.find((one) => one.name() === name);
  if (!group || group.commands.length === 0 || given === undefined || given.startsWith('-')) return;
  if (group.commands.some((one) => one.name() === given)) return;
  throw new NearmissError(
    'usage',
    `There is no command "${name} ${given}"`,
    `\`nearmiss ${name} --help\` lists them`,
  );
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
    .option('--hurry', 'the same, and rest neither for other programs nor on battery meanwhile')
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
    .option('--budget <tokens>', 'whole declarations without repeats, so many tokens', tokens)
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
    .option('--budget <tokens>', 'whole declarations without repeats, so many tokens', tokens)
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
  inFolder(marks.command('review'))
    .description(
      'what was set aside, and negatives that nobody marked: list them, or decide on one',
    )
    .argument('[id]', 'its id or how that begins; without it, all are listed')
    .option('--keep', 'it is a wrong answer')
    .option('--drop', 'do not learn from it')
    .option('--both', 'it is a right answer as well')
    .option('--undo', 'take a decision back')
    .action(act(review));
  inFolder(marks.command('share'))
    .description('write your marks to .nearmiss/marks.jsonl, for all who have the repository')
    .option('--as <name>', 'the name that stands beside them')
    .option('--stop', 'end it; what is in the file stays there')
    .option('--withdraw', 'end it, and take your marks out of the file')
    .option('-y, --yes', 'agree that your queries can be read by all who have the repository')
    .action(act(shareMarks));
  inFolder(marks.command('take'))
    .description('let the marks of others in .nearmiss/marks.jsonl count here')
    .option('--stop', 'end it; they are forgotten here')
    .option('-y, --yes', 'agree that you trust what the repository holds')
    .action(act(takeMarks));
  inFolder(marks.command('shared'))
    .description('say whose marks the repository holds, and what was agreed to')
    .action(act(showShared));
}

function addLearningCommands(program: Command, act: Act): void {
  const learning = (name: string): Command =>
    inFolder(program.command(name))
      .option('--plan', 'say what would be done, and do nothing')
      .option('--seed <number>', 'the same seed and marks give the same version', whole, 1)
      .option(
        '--only <path>',
        'let it count, and be judged, in searches of this part of the folder alone; it learns from all marks',
      )
      .option('--lang <language>', 'the same for one language')
      .option('--shadow', 'let it rank silently, to be compared only');
  learning('learn')
    .description('learn from marks; what proves better on unseen queries answers from then on')
    .option('--methods', 'also say what each method brings; it takes longer, and changes nothing')
    .option('--recheck [version]', 'learn nothing: measure a version on the folder as it is now')
    .action(act(learn));
  learning('adapt')
    .description("learn from the folder's own text, without marks")
    .action(act(adapt));
  inFolder(program.command('report'))
    .description('what was learned, what it brought, query by query')
    .option('--of <version>', 'of this version; without it, of the last run')
    .option('--out <file>', 'write it to a file: a page for .html, else JSON')
    .option('--redact', 'without queries: each becomes "query 1", "query 2", ...')
    .action(act(report));
  const version = program.command('versions').description('what was learned');
  inFolder(version.command('list', { isDefault: true }))
    .description('the versions there are, and which one answers')
    .action(act(versions));
  inFolder(version.command('share'))
    .description(
      "write a version's small weights to .nearmiss/adapter, for all who have the repository",
    )
    .argument('[version]', 'the version; without it, the one that answers')
    .option('--as <name>', 'the name that stands beside it')
    .option('-y, --yes', 'agree that what it says can be read by all who have the repository')
    .action(act(shareVersion));
  inFolder(version.command('take'))
    .description(
      'take the version that the repository shares; it answers only if it proves better on your marks',
    )
    .option('-y, --yes', 'agree that you trust what the repository holds')
    .action(act(takeVersion));
  inFolder(program.command('revert'))
    .description('let another version answer, at once')
    .argument('[version]', 'base, previous, or a version; without it, previous')
    .action(act(revert));
  inFolder(program.command('compare'))
    .description('compare a version with the one that answers, in daily use')
    .argument('[version]', 'the version; without it, what was counted so far')
    .option('--live', 'mix the answers of both in the editor, so that opened hits decide')
    .option('--stop', 'end the comparison')
    .action(act(compare));
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
    .option('--marks', 'the marks too, which are kept otherwise, and what was learned from them')
    .option('-y, --yes', 'agree that all indexes go, or marks, without being asked')
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
    .description('take a checkpoint: from a folder, or fetched from the hub')
    .argument('<model>', 'OWNER/NAME[@REVISION], or a folder in the layout of the hub')
    .option('--from <folder>', 'take OWNER/NAME from this folder, without any connection')
    .option('--json', 'print the result as JSON')
    .action(act(addModel));
  common(models.command('catalog'))
    .description('list checkpoints of the hub that suit')
    .option('--json', 'print the result as JSON')
    .action(act(showCatalog));
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

function addAgentCommands(program: Command, act: Act): void {
  common(program.command('mcp'))
    .description('serve search to an agent, over stdin and stdout')
    .option(
      '--folder <folder>',
      'a folder it may search; may be repeated; here by default',
      collect,
    )
    .option('--marks', 'let it mark hits, too')
    .action(act(mcp));
}

function addTrainingCommands(program: Command, act: Act): void {
  training(program.command('train'))
    .description('train a part of the ranking on records of what is relevant and what is not')
    .requiredOption('--data <file>', 'records to learn from, JSONL')
    .option('--dev <file>', 'records to test on; without it a share of the data is held out')
    .requiredOption('--base <folder>', 'the checkpoint to start from')
    .requiredOption('--part <part>', 'query-head, shared-head, bi-encoder, cross-encoder or fusion')
    .option('--folder <folder>', 'the folder of the places, for fusion; it is indexed first')
    .option(
      '--recipe <file>',
      'flags that differ from their defaults, or the training.json of a run; see docs/training.md',
    )
    .requiredOption('--out <folder>', 'where the result goes; must not be there yet')
    .option('--seed <number>', 'the same seed gives the same bytes', whole, 1)
    .addOption(
      new Option('--device <device>', 'where to compute')
        .choices(['auto', 'cpu', 'webgpu'])
        .default('auto'),
    )
    .option('--resume', 'go on with a run that was stopped or killed')
    .option(
      '--tune <minutes>',
      'try heads and settings for so long first, by cross-validation',
      minutes,
    )
    .option('--json', 'print the result as JSON')
    .option('-y, --yes', 'index a home folder or a very large one without asking')
    .action(act(train));
  training(program.command('evaluate'))
    .description('measure a checkpoint or a trained head on records')
    .requiredOption('--data <file>', 'records to measure on, JSONL')
    .requiredOption('--model <folder>', "a checkpoint's folder, or that of a trained head")
    .option('--json', 'print the result as JSON')
    .action(act(evaluate));
  training(program.command('merge'))
    .description('make one model of several that were trained from one base')
    .argument('<model...>', 'folders of results')
    .requiredOption('--base <folder>', 'the checkpoint that they were trained from')
    .requiredOption('--out <folder>', 'where the result goes; must not be there yet')
    .addOption(
      new Option('--how <way>', 'how they weigh')
        .choices(['deviation', 'slerp', 'average'])
        .default('deviation'),
    )
    .option('--pull <share>', 'how far from the base to the merged weights', zeroToOne, 1)
    .option('--json', 'print the result as JSON')
    .action(act(merge));
  training(program.command('mine'))
    .description('find hard negatives for queries in a folder, and write training records')
    .requiredOption('--queries <file>', 'JSONL, {"query", "positives": ["path:start-end"]} a line')
    .requiredOption('--folder <folder>', 'the folder to search; it is indexed first')
    .requiredOption('--out <file>', 'where the records go; must not be there yet')
    .option(
      '--also <space...>',
      'embeddings that vote too: layer:N of the model in use, or folders of other models and heads',
    )
    .option(
      '--recipe <file>',
      'flags of the miner that differ from their defaults; see docs/training.md',
    )
    .option('--seed <number>', 'the same seed gives the same groups', whole, 1)
    .option('--json', 'print the result as JSON')
    .option('-y, --yes', 'index a home folder or a very large one without asking')
    .action(act(mine));
}

/** `--data` names records here, so that where indexes live goes by another name. */
function training(command: Command): Command {
  return command
    .addOption(new Option('--home <folder>', 'where indexes live').env('NEARMISS_HOME'))
    .option('-v, --verbose', 'print stack traces of failures')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
}

function common(command: Command): Command {
  return command
    .addOption(new Option('--data <folder>', 'where indexes live').env('NEARMISS_HOME'))
    .option('-v, --verbose', 'print stack traces of failures')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {} }) as Command & { opts(): CommonOptions };
}
