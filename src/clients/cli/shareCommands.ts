/** `nearmiss marks share`, `take` and `shared`: marks that a repository shares. */
import type { SharingInfo, SyncedSharing } from '../../protocol/sharing';
import { exitDone } from './failure';
import { harmless, plural } from './format';
import { agree, type FolderOption, printJson, printLine, tell, withFolder } from './session';

interface ShareOptions extends FolderOption {
  readonly as?: string;
  readonly stop?: boolean;
  readonly withdraw?: boolean;
}

interface TakeOptions extends FolderOption {
  readonly stop?: boolean;
}

export function shareMarks(options: ShareOptions): Promise<number> {
  return withFolder(options, async (session, folder) => {
    const { client } = session;
    if (options.stop || options.withdraw) {
      const ended = { folder, gives: false, withdraws: options.withdraw, isTrusted: true };
      return show(options, await client.call('setSharing', ended));
    }
    const info = await client.call('sharing', { folder });
    if (!info.isGiving)
      await agree(
        session,
        `Your queries, and who marked what when, can then be read by all who have the repository: they are written to ${info.file}`,
      );
    const params = { folder, gives: true, author: options.as, isTrusted: true };
    return show(options, await client.call('setSharing', params));
  });
}

export function takeMarks(options: TakeOptions): Promise<number> {
  return withFolder(options, async (session, folder) => {
    const { client } = session;
    if (options.stop) {
      const ended = { folder, takes: false, isTrusted: true };
      return show(options, await client.call('setSharing', ended));
    }
    const info = await client.call('sharing', { folder });
    if (!info.isTaking)
      await agree(session, `Marks of others then move hits here: ${authorsOf(info)}`);
    return show(options, await client.call('setSharing', { folder, takes: true, isTrusted: true }));
  });
}

export function showShared(options: FolderOption): Promise<number> {
  return withFolder(options, async ({ client }, folder) =>
    show(options, await client.call('sharing', { folder })),
  );
}

export function shareVersion(
  version: string | undefined,
  options: FolderOption & { readonly as?: string },
): Promise<number> {
  return withFolder(options, async (session, folder) => {
    const { client } = session;
    const name = version ?? (await client.call('versions', { folder })).current;
    if (name !== 'base')
      await agree(
        session,
        `The small weights of ${name}, the words of yours that it learned, your name and how many marks it was learned from can then be read by all who have the repository; no whole query goes along`,
      );
    const shared = await client.call('shareVersion', { folder, version, author: options.as });
    if (options.json) printJson(shared);
    else printLine(harmless(`Version ${shared.version} written to ${shared.file}`));
    return exitDone;
  });
}

export function takeVersion(options: FolderOption): Promise<number> {
  return withFolder(options, async (session, folder) => {
    await agree(session, 'What the repository shares then ranks here, if it proves better');
    const params = { folder, isTrusted: true };
    const { report, version, isPromoted } = await session.client.call(
      'takeVersion',
      params,
      session.signal,
    );
    if (options.json) printJson(report);
    else {
      printLine(harmless(report.verdict));
      printLine(
        isPromoted
          ? `Version ${version} answers now`
          : `Version ${version} is kept, and answers nothing`,
      );
    }
    return exitDone;
  });
}

function show(options: FolderOption, info: SharingInfo | SyncedSharing): number {
  if (options.json) printJson(info);
  else for (const line of linesOf(info)) printLine(harmless(line));
  for (const problem of info.problems) tell(harmless(problem));
  return exitDone;
}

function linesOf(info: SharingInfo | SyncedSharing): string[] {
  const { isGiving, author, isTaking, takenCount, file } = info;
  const changed = 'added' in info ? `; ${info.added} added, ${info.removed} removed` : '';
  return [
    isGiving ? `Your marks are shared as ${author}` : 'Your marks are not shared',
    isTaking
      ? `Marks of others that count here: ${takenCount}${changed}`
      : 'Marks of others do not count here',
    `${file}: ${authorsOf(info)}`,
  ];
}

function authorsOf({ authors }: SharingInfo): string {
  if (authors.length === 0) return 'no marks';
  return authors
    .map(({ author, markCount }) => `${author} ${plural(markCount, 'mark')}`)
    .join(', ');
}
