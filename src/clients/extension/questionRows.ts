/** "Which of these two is right?" as rows of a list, and what an answer says about the two places. Plain data in and out. */
import type { LearningQuestion, QuestionedPlace } from '../../protocol/learning';
import type { Verdict } from '../../protocol/types';
import { folderName, nameAndSpan, plain, visible } from './hitText';
import type { Translate } from '../../base/translate';

/** `skip` says nothing about either. */
export type QuestionAnswer = 'left' | 'right' | 'both' | 'neither' | 'skip';

/** The two places as they stand on the screen. */
export interface Sides {
  readonly left: QuestionedPlace;
  readonly right: QuestionedPlace;
}

/** More do not fit into a row. */
const SHOWN_LINES = 3;

export interface QuestionRow {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  readonly answer: QuestionAnswer;
}

/** The sides change with each question: the first place always comes from the words, which nobody should learn to guess. */
export function sidesOf({ first, second }: LearningQuestion, questionIndex: number): Sides {
  return questionIndex % 2 === 0 ? { left: first, right: second } : { left: second, right: first };
}

export function questionRows({ left, right }: Sides, t: Translate): readonly QuestionRow[] {
  return [
    {
      label: `$(arrow-left) ${t('Left: {0}', plain(nameAndSpan(left)))}`,
      ...about(left),
      answer: 'left',
    },
    {
      label: `$(arrow-right) ${t('Right: {0}', plain(nameAndSpan(right)))}`,
      ...about(right),
      answer: 'right',
    },
    { label: `$(check-all) ${t('Both are right')}`, answer: 'both' },
    { label: `$(circle-slash) ${t('Neither is right')}`, answer: 'neither' },
    { label: `$(debug-step-over) ${t('I cannot tell')}`, answer: 'skip' },
  ];
}

/** Where it is, and its first lines that say something: the list may cover the top of the editors behind it. */
function about({
  path,
  symbol,
  snippet,
}: QuestionedPlace): Pick<QuestionRow, 'description' | 'detail'> {
  const lines = snippet.split('\n').filter((text) => /\w/.test(text));
  const shown = lines.slice(0, SHOWN_LINES).map((text) => text.trim());
  const where = [symbol, folderName(path)].filter(Boolean).join('  ');
  return { description: plain(visible(where)), detail: plain(visible(shown.join('  '))) };
}

/** The verdicts that an answer stands for; none where nothing is said. */
export function verdictsOf(
  { left, right }: Sides,
  answer: QuestionAnswer,
): readonly { readonly place: QuestionedPlace; readonly verdict: Verdict }[] {
  if (answer === 'skip') return [];
  const verdict = (isRight: boolean): Verdict => (isRight ? 'relevant' : 'notRelevant');
  return [
    { place: left, verdict: verdict(answer === 'left' || answer === 'both') },
    { place: right, verdict: verdict(answer === 'right' || answer === 'both') },
  ];
}
