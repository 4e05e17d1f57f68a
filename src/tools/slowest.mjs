// A reporter of node:test that lists the slowest tests with their files, slowest first, in seconds.
import * as path from 'node:path';

const shown = 40;

// oxlint-disable-next-line import/no-default-export -- node:test takes a reporter's default export
export default async function* slowest(events) {
  const rows = [];
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const seconds = (data.details?.duration_ms ?? 0) / 1000;
    const file = data.file ? path.relative(process.cwd(), data.file) : '';
    rows.push({ seconds, label: `${file}  ${data.name}` });
  }
  rows.sort((a, b) => b.seconds - a.seconds);
  for (const { seconds, label } of rows.slice(0, shown))
    yield `${seconds.toFixed(2).padStart(8)} ${label}\n`;
}
