// `npm run demo`: builds, indexes this repository's src with the bundled models, asks three questions as soon as words
// answer and again when all is embedded, prints how long each stage took. The index stays in .cache/demo, so that a second run shows what a warm start is like.
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const source = path.join(root, 'src');
const place = ['--data', path.join(root, '.cache/demo')];
const questions = [
  'what happens when the engine dies while a call is pending',
  'cut a long function into pieces at inner boundaries',
  'TopK',
];
const times = [];

run('build', ['src/tools/build.mjs']);
run('index, until words and static embeddings answer', ['dist/cli.js', 'index', source, ...place]);
console.log('\nThe best hit already now, while the embeddings follow in the background:');
for (const question of questions) ask(question, 1, 'early search');
console.log();
run('index, until every chunk is embedded', ['dist/cli.js', 'index', source, '--wait', ...place]);
console.log('\nThe three best, now that everything is embedded:');
for (const question of questions) {
  const search = ask(question, 3, 'search');
  const { tookMs } = JSON.parse(capture([...search, '--json']));
  const stages = Object.entries(tookMs).map(([stage, ms]) => `${stage} ${ms.toFixed(1)}`);
  times.push(`             of it, asked again (ms): ${stages.join(', ')}`);
}
console.log(`\nTime of each stage\n${times.join('\n')}`);

function ask(question, limit, stage) {
  console.log(`\n> ${question}\n`);
  const search = ['dist/cli.js', 'search', question, '--folder', source, ...place];
  run(`${stage} "${question}"`, [...search, '--limit', String(limit)]);
  return search;
}

function run(stage, args) {
  const start = performance.now();
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  times.push(`${((performance.now() - start) / 1000).toFixed(2).padStart(9)} s  ${stage}`);
}

function capture(args) {
  const { stdout, status } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}
