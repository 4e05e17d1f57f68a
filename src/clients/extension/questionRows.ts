/** "Which of these is right?" as rows of a list, and what an answer says about the places. Plain data in and out. */
import type { LearningQuestion, QuestionedPlace } from '../../protocol/learning';
import type { Verdict } from '../../protocol/types';
import { folderName, nameAndSpan, plain, visible } from './hitText';
import type { Translate } from '../../base/translate';

/** The places that are right, by index: none, one or several; `several` asks which; `skip` says nothing about any. */
export type QuestionAnswer = readonly number[] | 'several' | 'skip';

/** More do not fit into a row. */
const SHOWN_LINES = 3;

export interface QuestionRow {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  /** A digit that answers at once. */
  readonly key?: string;
  /** What the editor shows while the row is in focus. */
  readonly place?: QuestionedPlace;
  readonly answer: QuestionAnswer;
}

export function questionRows({ places }: LearningQuestion, t: Translate): readonly QuestionRow[] {
  return [
    ...placeRows(places),
    { label: `0  ${t('None of these is right')}`, key: '0', answer: [] },
    { label: `$(check-all) ${t('Several are right')}`, answer: 'several' },
    { label: `$(debug-step-over) ${t('I cannot tell')}`, answer: 'skip' },
  ];
}

/** The places alone, numbered from 1. */
export function placeRows(places: readonly QuestionedPlace[]): readonly QuestionRow[] {
  return places.map((place, at) => ({
    label: `${at + 1}  ${plain(nameAndSpan(place))}`,
    ...about(place),
    ...{ key: `${at + 1}`, place, answer: [at] },
  }));
}

/** The answer that what was typed into the list stands for. */
export function typedAnswer(
  rows: readonly QuestionRow[],
  typed: string,
): QuestionAnswer | undefined {
  return rows.find(({ key }) => key === typed.trim())?.answer;
}

/** Where it is, and its first lines that say something: the list may cover the top of the editor behind it. */
function about({
  path,
  symbol,
  snippet,
}: QuestionedPlace): Pick<QuestionRow, 'description' | 'detail'> {
  const lines = snippet
    .split('\n')
    .filter((text) => /[\p{L}\p{N}]/u.test(text) && !/^\s*```/.test(text));
  const shown = lines.slice(0, SHOWN_LINES).map(bare);
  const where = [symbol, folderName(path)].filter(Boolean).join('  ');
  return { description: plain(visible(where)), detail: plain(visible(shown.join('  '))) };
}

/** What a line says, without what only draws: ends of comments, marks of headings, edges and room of tables. */
function bare(line: string): string {
  const text = line.trim();
  const said = text.startsWith('|')
    ? text.replaceAll('|', ' ')
    : text.replace(/^(?:\/\*+|\*+\/?|\/\/+|#+\s|<!--|>+)/u, '').replace(/(?:\*\/|-->)$/u, '');
  return said.replaceAll(/\s+/gu, ' ').trim();
}

/** The verdicts that an answer stands for; none where nothing is said. */
export function verdictsOf(
  { places }: LearningQuestion,
  answer: QuestionAnswer,
): readonly { readonly place: QuestionedPlace; readonly verdict: Verdict }[] {
  if (typeof answer === 'string') return [];
  return places.map((place, at) => {
    const verdict = answer.includes(at) ? 'relevant' : 'notRelevant';
    return { place, verdict };
  });
}
