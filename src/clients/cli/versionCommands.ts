/** `nearmiss versions`, `revert` and `compare`. */
import { NearmissError } from '../../base/errors';
import type { VersionInfo, VersionList, VersionScope } from '../../protocol/learning';
import { exitDone } from './failure';
import { harmless, plural } from './format';
import { type FolderOption, printJson, printLine, tell, withFolder } from './session';

export function versions(options: FolderOption): Promise<number> {
  return withFolder(options, async ({ client }, folder) => {
    const list = await client.call('versions', { folder });
    if (options.json) printJson(list);
    else {
      for (const version of list.versions) printLine(versionLine(version));
      if (list.comparison) for (const line of comparisonLines(list)) printLine(harmless(line));
    }
    for (const problem of list.problems) tell(problem);
    return exitDone;
  });
}

export function revert(given: string | undefined, options: FolderOption): Promise<number> {
  return withFolder(options, async ({ client }, folder) => {
    const list = await client.call('useVersion', { folder, version: given ?? 'previous' });
    if (options.json) printJson(list);
    else printLine(answersNow(list));
    for (const problem of list.problems) tell(problem);
    return exitDone;
  });
}

function answersNow({ current, versions: all }: VersionList): string {
  if (current === 'base') return 'The base answers now';
  const scope = all.find(({ id }) => id === current)?.scope;
  const where = scope ? `, in searches of ${nameOfScope(scope)} alone` : '';
  return harmless(`Version ${current} answers now${where}`);
}

function nameOfScope({ path: only, language }: VersionScope): string {
  return [only, language].filter((name) => name !== undefined).join(', ');
}

interface CompareOptions extends FolderOption {
  readonly live?: boolean;
  readonly stop?: boolean;
}

export function compare(given: string | undefined, options: CompareOptions): Promise<number> {
  return withFolder(options, async ({ client }, folder) => {
    const isLive = options.live === true;
    if (isLive && given === undefined && !options.stop)
      throw new NearmissError(
        'usage',
        'Name the version to compare',
        '`nearmiss versions` lists them',
      );
    const version = options.stop ? null : given;
    const list =
      version === undefined
        ? await client.call('versions', { folder })
        : await client.call('compareVersion', { folder, version, isLive });
    if (options.json) printJson(list.comparison ?? null);
    else for (const line of comparisonLines(list)) printLine(harmless(line));
    for (const problem of list.problems) tell(harmless(problem));
    return exitDone;
  });
}

function comparisonLines({ comparison, current }: VersionList): string[] {
  if (!comparison) return ['No version is being compared'];
  const { candidate, isLive, sentences } = comparison;
  const how = isLive ? 'Answers in the editor are mixed of' : 'Compared silently:';
  return [
    `${how} ${current} and ${candidate}`,
    ...(sentences.length > 0 ? sentences : ['Nothing was searched in the editor yet']),
  ];
}

function versionLine(version: VersionInfo): string {
  const { id, time, parts, isCurrent, verdict, problem, author, markCount = 0, scope } = version;
  const mark = isCurrent ? '*' : ' ';
  const said = problem ?? verdict ?? 'the models as they come';
  const made = time === undefined ? '' : ` ${time.slice(0, 16).replace('T', ' ')}`;
  const what = parts.length > 0 ? ` [${parts.join(', ')}]` : '';
  const where = scope ? ` for ${nameOfScope(scope)}` : '';
  const from = author === undefined ? '' : ` by ${author}, from ${plural(markCount, 'mark')}`;
  return harmless(`${mark} ${id}${made}${what}${where}${from}  ${said}`);
}
