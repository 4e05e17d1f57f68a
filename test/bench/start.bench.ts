/** `npm run bench -- start`: from no engine at all to the first answer on an index that exists. */
import { budgetMs, openClient, stopEngine } from './engine';
import { largeIndex } from './largeIndex';
import { note, quantile, report } from './report';

const startCount = 5;

async function main(): Promise<void> {
  const { dataFolder, folder } = await largeIndex();
  const first: number[] = [];
  const whole: number[] = [];
  for (let start = 0; start < startCount; start++) {
    first.push(await msToAnswer(dataFolder, folder, budgetMs));
    whole.push(await msToAnswer(dataFolder, folder, undefined));
  }
  report('start', [
    {
      label: 'start to first answer, median',
      value: quantile(first, 0.5),
      unit: 'ms',
      atMost: 1000,
    },
    { label: 'start to first answer, slowest', value: quantile(first, 1), unit: 'ms' },
    { label: 'start to an answer by every tier, median', value: quantile(whole, 0.5), unit: 'ms' },
  ]);
}

/** With a budget the engine answers with what is loaded; without one it waits for its models. */
async function msToAnswer(
  dataFolder: string,
  folder: string,
  budget: number | undefined,
): Promise<number> {
  const client = openClient(dataFolder);
  const start = performance.now();
  const query = 'parse command line arguments';
  const params = { folder, query, limit: 10, rerank: false, budgetMs: budget };
  const { hits, tiers } = await client.call('search', params);
  const ms = performance.now() - start;
  note(`${ms.toFixed(0)} ms, ${hits.length} hits, ${tiers.join(' ')}`);
  client.dispose();
  await stopEngine(dataFolder);
  return ms;
}

void main();
