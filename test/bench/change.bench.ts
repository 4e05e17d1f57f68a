/** `npm run bench -- change`: one file of 5,000 is edited while an engine runs: when its words and its embedding are found. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { msUntil, openClient, stopEngine } from './engine';
import { largeIndex } from './largeIndex';
import { note, quantile, report } from './report';

const editCount = 5;

async function main(): Promise<void> {
  const { dataFolder, folder } = await largeIndex();
  const client = openClient(dataFolder);
  const edited = path.join(folder, 'edited.ts');
  const wordsMs: number[] = [];
  const embeddingMs: number[] = [];
  try {
    await client.call('index', { folder, waitFor: 'all' });
    for (let edit = 0; edit < editCount; edit++) {
      const name = `onlyHere${Date.now().toString(36)}`;
      const start = performance.now();
      fs.writeFileSync(
        edited,
        `export function ${name}() {\n  return 'a word of edit ${edit}';\n}\n`,
      );
      const words = await msUntil(start, async () => {
        const { hits } = await client.call('search', {
          folder,
          query: name,
          limit: 1,
          rerank: false,
        });
        return hits[0]?.path === 'edited.ts' && hits[0].snippet.includes(name) ? true : undefined;
      });
      const embedding = await msUntil(start, async () => {
        const [status] = (await client.call('status', { folder })).folders;
        return status?.isComplete ? true : undefined;
      });
      note(`words ${words.ms.toFixed(0)} ms, embedding ${embedding.ms.toFixed(0)} ms`);
      wordsMs.push(words.ms);
      embeddingMs.push(embedding.ms);
    }
    report('change', [
      { label: 'edit to words, slowest', value: quantile(wordsMs, 1), unit: 'ms', atMost: 1000 },
      {
        label: 'edit to embedding, slowest',
        value: quantile(embeddingMs, 1),
        unit: 'ms',
        atMost: 3000,
      },
    ]);
  } finally {
    fs.rmSync(edited, { force: true });
    client.dispose();
    await stopEngine(dataFolder);
  }
}

void main();
