/** Sentences of the panel, from the strings that the host sent; plural forms and numbers in the person's language. */
import type { PanelVerdict } from '../../protocol/panelMessages';
import { type PanelStringKey, panelStrings } from '../../protocol/panelStrings';
import type { PanelState } from './model';

export type Strings = Readonly<Record<PanelStringKey, string>>;

/** The host's strings; what it did not send is there in English. */
export function stringsOf(state: Pick<PanelState, 'options'>): Strings {
  return { ...panelStrings, ...state.options.strings } as Strings;
}

/** "{0}" and "{1}" filled in. */
export function filled(text: string, ...values: readonly (string | number)[]): string {
  return text.replaceAll(/\{(\d)\}/g, (whole, index: string) => {
    const value = values[Number(index)];
    return value === undefined ? whole : String(value);
  });
}

/** A whole number with the separators of the language. */
export function numberText(state: Pick<PanelState, 'options'>, value: number): string {
  try {
    return value.toLocaleString(state.options.locale);
  } catch {
    return String(value); // a locale that this browser does not know
  }
}

/** "12 hits", as the live region says it. */
export function hitCountText(state: PanelState): string {
  const strings = stringsOf(state);
  const count = state.hits.length;
  if (count === 0) return strings.hitCountNone;
  if (count === 1) return strings.hitCountOne;
  return filled(strings.hitCountMany, numberText(state, count));
}

/** What was done with a mark of that verdict. */
export function markText(state: PanelState, verdict: PanelVerdict): string {
  const strings = stringsOf(state);
  if (state.source)
    return verdict === 'relevant' ? strings.markedAsSimilar : strings.markedAsNotSimilar;
  return verdict === 'relevant' ? strings.markedRelevant : strings.markedNotRelevant;
}
