/** One mark as a row: the question first, then what was judged and how. */
import type { MarkInfo } from '../../protocol/types';
import { lineSpan, plain, visible } from './hitText';
import type { Translate } from '../../base/translate';

export interface MarkRow {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
}

export function markRow(mark: MarkInfo, t: Translate): MarkRow {
  const { query, source, path, verdict, symbol, time, state, isWeak, author } = mark;
  const asked = source ? t('Similar to {0}', `${source.path}:${lineSpan(source)}`) : (query ?? '');
  const icon = verdict === 'relevant' ? '$(thumbsup)' : '$(thumbsdown)';
  const notes = [
    isWeak ? t('only opened') : '',
    author === undefined ? '' : t('by {0}', plain(visible(author))),
    state === 'stale' ? t('the code is gone, not used') : '',
    time.slice(0, 16).replace('T', ' '),
  ];
  return {
    label: `${icon} ${plain(visible(asked))}`,
    description: plain(visible(`${path}:${lineSpan(mark)}${symbol === '' ? '' : `  ${symbol}`}`)),
    detail: [verdictText(verdict, t), ...notes].filter(Boolean).join(', '),
  };
}

function verdictText(verdict: MarkInfo['verdict'], t: Translate): string {
  return verdict === 'relevant' ? t('Relevant') : t('Not relevant');
}
