/**
 * A report without what was asked and by whom: every query becomes "query 1", "query 2", ..., the same one everywhere. In sentences a
 * query of one word is replaced where it stands in quotation marks alone: "1" or "queries" would take figures and words apart.
 */
import { english, type Translate } from '../../base/translate';
import type { LearningReport, VersionList } from '../../protocol/learning';
import type { UsageReport } from '../../protocol/usage';

export interface ToldReport {
  readonly report: LearningReport;
  readonly versions: VersionList;
  readonly usage: UsageReport;
}

/** Everything that leaves the machine with a report. Of a folder its name is left: the path says whose it is. */
export function redact(told: ToldReport, t: Translate = english): ToldReport {
  const { report, versions, usage } = told;
  return {
    report: { ...redactQueries(report, t), folder: nameOfFolder(report.folder) },
    versions: {
      ...versions,
      folder: nameOfFolder(versions.folder),
      versions: versions.versions.map(({ author, verdict, problem, ...version }) => ({
        ...version,
        verdict: author === undefined ? verdict : verdict?.replaceAll(author, '…'),
        ...(problem !== undefined && { problem: t('It cannot be used') }),
      })),
      problems: [],
    },
    usage: { ...usage, folder: nameOfFolder(usage.folder) },
  };
}

function nameOfFolder(folder: string): string {
  return /[^/\\]*$/u.exec(folder.replace(/[/\\]+$/u, ''))![0];
}

function redactQueries(report: LearningReport, t: Translate): LearningReport {
  const asked = [...report.queries, ...report.quarantined].map(({ query }) => query);
  const names = new Map(
    [...new Set(asked)].map((query, index) => [query, t('query {0}', index + 1)]),
  );
  // Longest first: a query may be part of another one.
  const known = [...names.keys()]
    .filter((query) => query.trim() !== '')
    .sort((a, b) => b.length - a.length);
  const clean = (text: string): string =>
    known.reduce((rest, query) => {
      const name = names.get(query)!;
      if (/\s/u.test(query.trim())) return rest.replaceAll(query, name);
      return rest.replaceAll(`"${query}"`, `"${name}"`).replaceAll(`“${query}”`, `“${name}”`);
    }, text);
  const nameOf = (query: string): string => names.get(query) ?? t('query');
  return {
    ...report,
    // Words of queries are what was asked.
    words: undefined,
    verdict: clean(report.verdict),
    notes: report.notes.map(clean),
    queries: report.queries.map((change) => ({
      ...change,
      query: nameOf(change.query),
      why: change.why.map(clean),
    })),
    quarantined: report.quarantined.map((item) => ({
      ...item,
      query: nameOf(item.query),
      sentence: clean(item.sentence),
    })),
    tiers: report.tiers.map((tier) => ({
      ...tier,
      sentence: clean(tier.sentence),
      conditions: tier.conditions.map((each) => ({ ...each, sentence: clean(each.sentence) })),
    })),
    ...(report.methods && {
      methods: report.methods.map(({ problem, ...rest }) =>
        problem === undefined ? rest : { ...rest, problem: clean(problem) },
      ),
    }),
    conditions: report.conditions.map((each) => ({ ...each, sentence: clean(each.sentence) })),
  };
}
