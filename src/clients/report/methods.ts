/** The report's section on what each method of a part's training brings: figures without it and with it, time and size. */
import type { Translate } from '../../base/translate';
import type { LearningReport, MethodOutcome } from '../../protocol/learning';
import { intervalPicture, intervalText, reachOf } from './charts';
import { count, duration, metric, size } from './figures';
import { html, type Markup } from './markup';
import { tierName } from './sections';
import { number, table, text } from './table';
import type { Words } from './words';

/** Nothing where nobody asked for it. */
export function methodSection(
  { methods, primary }: LearningReport,
  words: Words,
): Markup | undefined {
  if (!methods) return undefined;
  const { t, say } = words;
  const name = t('What each method brings, and what it costs');
  const heading = html`<h2>${name}</h2>`;
  if (methods.length === 0)
    return html`<section>
      ${heading}
      <p>${t('No part was trained that holds methods which can be left out.')}</p>
    </section>`;
  const reach = reachOf(methods.flatMap(({ figures }) => figures.slice(0, 1)));
  const hasRank = methods.some(({ figures }) => figures.length > 1);
  const columns = [
    ...[text(t('Part')), text(t('Method')), number(t('queries'))],
    ...[number(t('without it')), number(t('with it'))],
    text(`${t('brings [95 %]')}, ${t('−{0} to +{0}', metric(reach))}`),
    ...(hasRank ? [text(t('MRR@10 (queries)'))] : []),
    ...[text(t('processor time')), text(t('size'))],
  ];
  const anew = methods.reduce((sum, one) => sum + one.recomputedVectorCount, 0);
  const rows = methods.map((one) => [
    ...[tierName(one.tier, t), methodName(one.method, t), ...primaryCells(one, reach, words)],
    ...(hasRank ? [rankOf(one)] : []),
    ...[timeOf(one, t), sizeOf(one, t)],
  ]);
  return html`<section>
    ${heading}
    <p>
      ${t('The part was trained again with one method left out, on the same folds, and asked the same held-out queries: {0}.', say(primary))}
      ${t('A dot to the right of the upright line is a method that helps. Processor time and size are those of one model with the method and without it, the median of the folds.')}
      ${t('Embeddings made anew for all of them: {0}.', count(anew))}
      ${t('What is promoted was decided before. Of twenty such intervals one misses the truth by chance.')}
    </p>
    ${table(name, columns, rows)}
  </section>`;
}

function primaryCells(
  { figures: [figure], problem }: MethodOutcome,
  reach: number,
  { t, say }: Words,
): readonly (string | Markup)[] {
  if (!figure || figure.count === 0)
    return ['–', '–', '–', problem === undefined ? t('not measured') : say(problem)];
  return [
    ...[count(figure.count), metric(figure.before), metric(figure.after)],
    html`${intervalPicture(figure, reach)}${intervalText(figure)}`,
  ];
}

function rankOf({ figures: [, rank] }: MethodOutcome): string {
  return rank ? `${intervalText(rank)} (${count(rank.count)})` : '–';
}

function timeOf(one: MethodOutcome, t: Translate): string {
  const { processorSeconds: spent, processorSecondsWithout: spentWithout } = one;
  if (spent === undefined || spentWithout === undefined) return '–';
  return t('{0}, without it {1}', duration(spent, t), duration(spentWithout, t));
}

function sizeOf({ bytes, bytesWithout, problem }: MethodOutcome, t: Translate): string {
  if (problem !== undefined) return '–';
  return bytes === bytesWithout
    ? size(bytes)
    : t('{0}, without it {1}', size(bytes), size(bytesWithout));
}

/** A method as people read it, with the paper that it is of. */
export function methodName(method: MethodOutcome['method'], t: Translate): string {
  const names: Readonly<Record<MethodOutcome['method'], string>> = {
    markedNegatives: t('Hits marked as wrong (SimCSE)'),
    minedNegatives: t('Mined negatives'),
    syntheticNegatives: t('Synthetic negatives (HNCSE)'),
    columns: t('Answers against all queries (BSC)'),
    shuffledGroups: t('Alike queries in one batch (BSC)'),
    duplicateMask: t('Mask of duplicates'),
    anchor: t('Anchor to the base'),
    dropout: t('Dropout'),
    mixedPositives: t('Mixed positives (HNCSE)'),
    dimensionWise: t('Contrast of dimensions (SimCSE++)'),
    offDropout: t('Negatives without dropout (SimCSE++)'),
    loneNegatives: t('Wrong hits of queries without an answer'),
    filler: t('Queries that the folder asks itself'),
    pairs: t('Judged similar places (CoDiEmb)'),
    merging: t('Best states merged (CoDiEmb)'),
    basePull: t('Steps back to the base'),
    defaultsPull: t('Pull to the defaults'),
  };
  return names[method];
}
