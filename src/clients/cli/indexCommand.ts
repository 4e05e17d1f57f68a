/** `nearmiss index`. */
import type { IndexResult } from '../../protocol/methods';
import { exitDone } from './failure';
import { plural } from './format';
import { type CommonOptions, existingFolder, printJson, printLine, withSession } from './session';

interface IndexOptions extends CommonOptions {
  readonly wait?: boolean;
  readonly hurry?: boolean;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/** So many skipped files are named in text output, each reason first. */
const namedSkippedCount = 10;

export function index(given: string, options: IndexOptions): Promise<number> {
  return withSession(options, async (session) => {
    const { include, exclude } = options;
    const asked = { folder: existingFolder(given), include, exclude, isConfirmed: options.yes };
    // The question comes before the progress bar.
    const { isNew, status } = await session.index({ ...asked, waitFor: 'nothing', refresh: true });
    const isHurried = options.hurry === true;
    const waitFor = options.wait || isHurried ? 'all' : 'static';
    const wanted = { folder: asked.folder, waitFor, isHurried } as const;
    const result = await session.indexVisibly(wanted, status.folderId);
    if (options.json) printJson(indexJson({ ...result, isNew }));
    else for (const line of indexText(result)) printLine(line);
    return exitDone;
  });
}

function indexJson({ status, skipped, isNew, tookMs }: IndexResult): unknown {
  return {
    folder: status.folder,
    isNew,
    isComplete: status.isComplete,
    state: status.state,
    files: status.documentCount,
    chunks: status.embeddableCount,
    embedded: status.embeddedCount,
    tookMs: Math.round(tookMs),
    skippedCount: status.skippedCount,
    skipped,
  };
}

function indexText({ status, skipped, tookMs }: IndexResult): string[] {
  const files = plural(status.documentCount, 'file');
  const chunks = plural(status.embeddableCount, 'chunk');
  const lines = [`${files}, ${chunks} in ${(tookMs / 1000).toFixed(1)} s: ${status.folder}`];
  if (status.state === 'paused') lines.push('Indexing is paused; go on with `nearmiss resume`');
  else if (!status.isComplete)
    lines.push(
      `${status.embeddedCount.toLocaleString('en')} of ${chunks} embedded, the rest follows in the background`,
    );
  if (status.reason) lines.push(status.reason);
  if (skipped.length > 0) lines.push(...skippedText(skipped));
  return lines;
}

function skippedText(skipped: IndexResult['skipped']): string[] {
  const byReason = new Map<string, number>();
  for (const { reason } of skipped) byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
  const summary = [...byReason].map(([reason, count]) => `${count} ${reason}`).join(', ');
  const named = skipped
    .filter(({ reason }) => reason !== 'ignored' && reason !== 'excluded')
    .slice(0, namedSkippedCount)
    .map(({ path, reason, detail }) => `  ${JSON.stringify(path)}: ${detail ?? reason}`);
  return [`Skipped: ${summary} (\`nearmiss why PATH\` says more)`, ...named];
}
