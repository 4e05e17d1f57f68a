/**
 * What a person should look at before it is learnt from: marks that contradict one another or that push away a copy of
 * the answer. They are set aside, not trained on, and shown again with a sentence. A check that would set aside too
 * many marks is more likely wrong than they are: then only plain copies are.
 */
import { DUPLICATE_COSINE, type TextIdentity, foldQuery, isDuplicate } from './duplicates';
import { type Calibration, type CopyDistances, isNoCopy } from './twoConditions';

/** A mark "not relevant" beside what was marked relevant for the same query. */
export interface ReviewedMark {
  readonly query: string;
  readonly wrong: TextIdentity;
  readonly positives: readonly (TextIdentity & {
    /** Distances of the wrong text to the query and to this positive, where they are known. */
    readonly distances?: CopyDistances;
  })[];
}

export type ReviewReason = 'contradiction' | 'copy' | 'closeToAnswer';

export interface ReviewItem {
  /** Index of the mark. */
  readonly mark: number;
  readonly reason: ReviewReason;
  readonly sentence: string;
}

/** Marks that the second condition may set aside at most; beyond, it is not believed. */
const MOST_QUARANTINED = 0.3;

const SENTENCES: Readonly<Record<ReviewReason, string>> = {
  contradiction: 'The same text was marked relevant for the same query',
  copy: 'It says nearly the same as a text marked relevant, so it may be the answer too',
  closeToAnswer:
    'It is closer to a text marked relevant than to the query, so it may be the answer too',
};

export interface ReviewOptions {
  /** Base cosine from which on two texts are copies. */
  readonly ceiling?: number;
  /** Texts marked relevant, beside those of the marks themselves. */
  readonly answers?: readonly { readonly query: string; readonly hash: string }[];
}

/** What to show, in the order of the marks; all others may be trained on. */
export function reviewMarks(
  marks: readonly ReviewedMark[],
  calibration: Calibration | undefined,
  { ceiling = DUPLICATE_COSINE, answers = [] }: ReviewOptions = {},
): ReviewItem[] {
  const accepted = acceptedTexts(marks, answers);
  const reasons = marks.map((mark): ReviewReason | undefined => {
    if (accepted.get(foldQuery(mark.query))?.has(mark.wrong.hash)) return 'contradiction';
    if (mark.positives.some((positive) => isDuplicate(positive, mark.wrong, ceiling)))
      return 'copy';
    const isClose = mark.positives.some(
      ({ distances }) => distances && !isNoCopy(distances, calibration),
    );
    return isClose ? 'closeToAnswer' : undefined;
  });
  const close = reasons.filter((reason) => reason === 'closeToAnswer').length;
  const isBelieved = close <= MOST_QUARANTINED * marks.length;
  return reasons.flatMap((reason, mark) =>
    reason && (isBelieved || reason !== 'closeToAnswer')
      ? [{ mark, reason, sentence: SENTENCES[reason] }]
      : [],
  );
}

/** Hashes of what was marked relevant, by folded query. */
function acceptedTexts(
  marks: readonly ReviewedMark[],
  answers: NonNullable<ReviewOptions['answers']>,
): Map<string, Set<string>> {
  const accepted = new Map<string, Set<string>>();
  const own = marks.flatMap(({ query, positives }) =>
    positives.map(({ hash }) => ({ query, hash })),
  );
  for (const { query, hash } of [...own, ...answers]) {
    const key = foldQuery(query);
    accepted.set(key, (accepted.get(key) ?? new Set()).add(hash));
  }
  return accepted;
}
