/**
 * `npm run train:models`: trains both bundled encoders further on code that is on this machine, by the product's own
 * command line: queries, `nearmiss mine`, `nearmiss train`, `nearmiss merge`, model cards. Every stage leaves its result
 * below `--work` and is passed over when it is there, so a run that was cut off goes on. The bundled models stay as they
 * are: `--judge BEFORE AFTER`, two files of what `npm run bench -- quality --json` printed, says whether new ones may take
 * their place.
 *
 * Options: --work DIR (.cache/train-models), --modules DIR (node_modules), --root DIR (the installation whose command line
 * and models are used), --most N queries, --recipe JSON (flags in place of a part's own), --steps N, --seed N, --toolchains off,
 * --part bi-encoder|cross-encoder, --pull SHARE (1) of the way from the base to what was learned.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { installationRoot } from '../base/installation';
import { judgeFigures, readFigures } from './judgeModels';
import { PARTS, trainModels } from './modelTraining';
import { packageSources, toolchainSources } from './trainingSources';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    work: { type: 'string' },
    modules: { type: 'string' },
    root: { type: 'string' },
    most: { type: 'string', default: '20000' },
    recipe: { type: 'string', default: '{}' },
    steps: { type: 'string' },
    seed: { type: 'string', default: '1' },
    toolchains: { type: 'string', default: 'on' },
    part: { type: 'string' },
    pull: { type: 'string', default: '1' },
    judge: { type: 'boolean', default: false },
  },
});
const installed = installationRoot();

async function main(): Promise<void> {
  if (given.judge) return sayJudgement(positionals);
  const modules = path.resolve(given.modules ?? path.join(installed, 'node_modules'));
  const { steps } = given;
  const work = path.resolve(given.work ?? path.join(installed, '.cache/train-models'));
  await trainModels({
    ...{ work, home: path.join(work, 'home') },
    root: path.resolve(given.root ?? installed),
    sources: [
      ...packageSources(modules),
      ...(given.toolchains === 'off' ? [] : toolchainSources()),
    ],
    bench: process.env.NEARMISS_BENCH ?? path.join(installed, '../shared/bench'),
    ...{ most: Number(given.most), seed: Number(given.seed), pull: Number(given.pull), say },
    parts: PARTS.filter((part) => given.part === undefined || part === given.part),
    changes: {
      ...(JSON.parse(given.recipe) as Record<string, unknown>),
      ...(steps !== undefined && { steps: Number(steps) }),
    },
  });
  say('Compare them with the bundled ones by --judge');
}

function sayJudgement(files: readonly string[]): void {
  const [before, after] = files.map((file) => readFigures(fs.readFileSync(file, 'utf8')));
  if (!before || !after) throw new Error('Name two files of figures: before and after');
  const { isKept, reason } = judgeFigures(before, after);
  say(reason);
  process.exitCode = isKept ? 0 : 1;
}

function say(line: string): void {
  console.log(line);
}

void main();
