/** `npm run bench -- start`: from no engine at all to the first answer on an index that exists. */
import { budgetMs, openClient, stopEngine } from './engine';
import { largeIndex } from './largeIndex';
import { note, quantile, report } from './report';

const startCount = 5;

async function main(): Promise<void> {
  const { dataFolder, folder } = await largeIndex();
  const times: number[] = [];
  for (let start = 0; start < startCount; start++) {
    const client = openClient(dataFolder);
    const before = performance.now();
    const params = {
      folder,
      query: 'parse command line arguments',
      limit: 10,
      rerank: false,
      budgetMs,
    };
    const { hits, tiers } = await client.call('search', params);
    times.push(performance.now() - before);
    note(`${times.at(-1)?.toFixed(0)} ms, ${hits.length} hits, ${tiers.join(' ')}`);
    client.dispose();
    await stopEngine(dataFolder);
  }
  report('start', [
    {
      label: 'start to first answer, median',
      value: quantile(times, 0.5),
      unit: 'ms',
      atMost: 1000,
    },
    { label: 'start to first answer, slowest', value: quantile(times, 1), unit: 'ms' },
  ]);
}

void main();
