// A reporter of node:test for the closing lines of test.mjs, a JSON line each: every test's seconds, what failed, the
// counts.
import * as path from 'node:path';

const shownOfMessage = 2000;

// oxlint-disable-next-line import/no-default-export -- node:test takes a reporter's default export
export default async function* outcome(events) {
  for await (const { type, data } of events) {
    if (type === 'test:diagnostic' && data.nesting === 0) {
      const [, count, value] = /^(tests|fail|cancelled|skipped) (\d+)$/u.exec(data.message) ?? [];
      if (count) yield `${JSON.stringify({ count, value: Number(value) })}\n`;
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const file = data.file ? path.relative(process.cwd(), data.file) : '';
    const seconds = (data.details?.duration_ms ?? 0) / 1000;
    // A parent fails with its children; only the leaves say something.
    const hasFailed = type === 'test:fail' && data.details?.error?.failureType !== 'subtestsFailed';
    const error = data.details?.error?.cause ?? data.details?.error;
    const message = hasFailed
      ? String(error?.stack ?? error?.message ?? error).slice(0, shownOfMessage)
      : undefined;
    yield `${JSON.stringify({ file, name: data.name, seconds, message })}\n`;
  }
}
