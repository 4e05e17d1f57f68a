/**
 * Compares a candidate with the version that answers while people search. Silently: after an answer, when nobody has asked
 * for a while, the candidate ranks the same question and counts are kept of where it differs. Live, for those who
 * switched it on: an interactive answer is shown as it is, and replaced by a mixture of both where the candidate is ready
 * soon. A search counts when nobody asks for a while or a hit of it is opened: what one types passes by many answers.
 * Where there is no candidate nothing of this happens.
 */
import { createHash } from 'node:crypto';
import { isAbort, messageOf } from '../base/errors';
import type { Disposable } from '../base/lifecycle';
import type { Logger } from '../base/log';
import { Sequencer } from '../base/queue';
import { seededRandom } from '../base/random';
import { type ComparedPair, type ComparisonNews, noteComparison } from './learning/comparison';
import { type Team, teamDraft } from './learning/interleave';
import type { Hit, SearchResult } from './search/types';
import type { Versions } from './versions';

/** So long nobody asked: an answer counts, and the candidate may rank silently. */
const restsAfterMs = 400;
/** Answers that an opened hit may belong to. */
const rememberedCount = 20;
const comparedHits = 3;

/** Lines of a file, as an answer names them. */
export interface HitPlace {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** One answer, and how the candidate would give it. */
interface Shown extends ComparedPair {
  readonly query: string;
  /** Hits of the version that answers, best first. */
  readonly ours: readonly string[];
  /** Those of the candidate; none while it has not ranked, and then an opened hit says nothing. */
  theirs?: readonly string[];
  /** Of a mixture: whose hit each is. */
  teams?: ReadonlyMap<string, Team>;
  isCounted: boolean;
  isOpened: boolean;
}

interface Waiting {
  readonly timer: NodeJS.Timeout;
  readonly controller: AbortController;
}

export interface Asked {
  readonly id: string;
  readonly query: string;
  readonly limit: number;
  /** The candidate's answer to the same question. Rejects when the signal aborts. */
  readonly rankCandidate: (signal: AbortSignal) => Promise<SearchResult>;
  /** Shows an answer before the one that is returned; without it none is mixed. */
  readonly onFirst?: (result: SearchResult) => void;
}

export interface ComparingParts {
  readonly versions: Pick<Versions, 'compared' | 'storeOf'>;
  readonly log: Logger;
  /** The mixture comes not later than that after the answer that is shown meanwhile. */
  readonly liveWithinMs: number;
}

export class Comparing implements Disposable {
  private readonly shown = new Map<string, Shown[]>();
  private readonly waiting = new Map<string, Waiting>();
  private readonly writing = new Sequencer();

  constructor(private readonly parts: ComparingParts) {}

  /** A search begins in the folder: the candidate steps back. */
  begun(id: string): void {
    if (this.waiting.size > 0) this.stop(id);
  }

  /** What to show in the end. Returns the answer itself, at once, where nothing is compared. */
  answered(asked: Asked, result: SearchResult): SearchResult | Promise<SearchResult> {
    const pair = this.parts.versions.compared(asked.id);
    if (!pair) return result;
    const shown = this.remember(asked, pair, result);
    if (pair.isLive && asked.onFirst) return this.mixed(asked, shown, result);
    this.afterRest(asked.id, (signal) => this.rankSilently(asked, shown, signal));
    return result;
  }

  /** Somebody opened or kept a hit. Settles when it is counted. */
  async opened(id: string, place: HitPlace): Promise<void> {
    const key = keyOfPlace(place);
    const shown = this.shown
      .get(id)
      ?.findLast(({ ours, theirs }) => ours.includes(key) || theirs?.includes(key));
    if (!shown?.theirs || shown.isOpened) return;
    shown.isOpened = true;
    const news = newsOf(shown, shown.theirs, key);
    const isCountedNow = shown.teams !== undefined && !shown.isCounted;
    shown.isCounted = true;
    await this.note(id, shown, isCountedNow ? { live: { searches: 1, ...news.live } } : news);
  }

  dispose(): void {
    for (const id of [...this.waiting.keys()]) this.stop(id);
  }

  /** Does something about an answer unless somebody asks again before. */
  private afterRest(id: string, work: (signal: AbortSignal) => Promise<void>): void {
    this.stop(id);
    const controller = new AbortController();
    const timer = setTimeout(() => void work(controller.signal), restsAfterMs);
    timer.unref();
    this.waiting.set(id, { timer, controller });
  }

  private async rankSilently(
    { id, rankCandidate }: Asked,
    shown: Shown,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const candidate = await rankCandidate(signal);
      if (signal.aborted) return;
      shown.theirs = candidate.hits.map(keyOf);
      const isDifferent = !isSameStart(shown.ours, shown.theirs);
      await this.note(id, shown, { silent: { searches: 1, different: Number(isDifferent) } });
    } catch (error) {
      if (!isAbort(error)) this.parts.log.warn('comparing', { reason: messageOf(error) });
    }
  }

  private async mixed(asked: Asked, shown: Shown, result: SearchResult): Promise<SearchResult> {
    asked.onFirst?.(result);
    const controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.parts.liveWithinMs);
    });
    try {
      const ranking = asked.rankCandidate(controller.signal);
      const candidate = await Promise.race([ranking, tooLate]);
      if (!candidate) {
        ranking.catch(() => undefined);
        return result;
      }
      return this.mix(asked, shown, result, candidate);
    } catch (error) {
      // The candidate may have gone, or its vectors are not whole yet.
      if (!isAbort(error)) this.parts.log.warn('comparing', { reason: messageOf(error) });
      return result;
    } finally {
      clearTimeout(timer);
      controller.abort();
    }
  }

  private mix(
    { id, query, limit }: Asked,
    shown: Shown,
    result: SearchResult,
    candidate: SearchResult,
  ): SearchResult {
    if (result.hits.length === 0 || candidate.hits.length === 0) return result;
    // The same question gives the same mixture: a list that is asked for again must not move.
    const random = seededRandom(seedOf(`${shown.current}\0${shown.candidate}\0${query}`));
    const { items, teams } = teamDraft(result.hits, candidate.hits, { keyOf, random, limit });
    shown.theirs = candidate.hits.map(keyOf);
    shown.teams = new Map(items.map((hit, at) => [keyOf(hit), teams[at]!]));
    this.goOnWithSame(id, shown);
    this.afterRest(id, () => this.countMixed(id, shown));
    return { ...result, hits: items };
  }

  /** A list that is asked for again, after an edit for one, is still the same search; the same list is opened once. */
  private goOnWithSame(id: string, shown: Shown): void {
    const before = this.shown.get(id)?.findLast((one) => one !== shown && isSameSearch(one, shown));
    if (!before) return;
    shown.isCounted = before.isCounted;
    shown.isOpened = before.isOpened && isSameMixture(before, shown);
  }

  private async countMixed(id: string, shown: Shown): Promise<void> {
    if (shown.isCounted) return;
    shown.isCounted = true;
    await this.note(id, shown, { live: { searches: 1 } });
  }

  /** Until the candidate has ranked, only so that a hit opened from this answer is not taken for one of an older answer. */
  private remember(
    { id, query }: Asked,
    { current, candidate }: ComparedPair,
    { hits }: SearchResult,
  ): Shown {
    const ours = hits.map(keyOf);
    const shown: Shown = { current, candidate, query, ours, isCounted: false, isOpened: false };
    this.shown.set(id, [...(this.shown.get(id) ?? []), shown].slice(-rememberedCount));
    return shown;
  }

  private note(id: string, pair: ComparedPair, news: ComparisonNews): Promise<void> {
    const { root } = this.parts.versions.storeOf(id);
    return this.writing
      .run(() => noteComparison(root, pair, news, new Date()))
      .catch((error: unknown) => this.parts.log.warn('comparing', { reason: messageOf(error) }));
  }

  private stop(id: string): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    clearTimeout(waiting?.timer);
    waiting?.controller.abort();
  }
}

/** What an opened hit says: nothing where both rankings have it at the same rank. */
function newsOf({ ours, teams }: Shown, theirs: readonly string[], key: string): ComparisonNews {
  const [mine, other] = [rankIn(ours, key), rankIn(theirs, key)];
  if (!teams) {
    const sides = { higher: Number(other < mine), lower: Number(other > mine) };
    return { silent: { opened: 1, ...sides } };
  }
  if (mine === other) return { live: { ties: 1 } };
  return { live: teams.get(key) === 'candidate' ? { wins: 1 } : { losses: 1 } };
}

function rankIn(keys: readonly string[], key: string): number {
  const at = keys.indexOf(key);
  return at < 0 ? Number.POSITIVE_INFINITY : at;
}

function isSameStart(a: readonly string[], b: readonly string[]): boolean {
  return a.slice(0, comparedHits).join('\n') === b.slice(0, comparedHits).join('\n');
}

function isSameSearch(a: Shown, b: Shown): boolean {
  const told = ({ current, candidate, query }: Shown): string =>
    [current, candidate, query].join('\0');
  return a.teams !== undefined && told(a) === told(b);
}

function isSameMixture(a: Shown, b: Shown): boolean {
  return JSON.stringify([a.ours, a.theirs]) === JSON.stringify([b.ours, b.theirs]);
}

function keyOf({ path, span }: Hit): string {
  return keyOfPlace({ path, ...span });
}

function keyOfPlace({ path, start, end }: HitPlace): string {
  return `${path}:${start}-${end}`;
}

function seedOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE();
}
