/** Query by query, what would change and why: the first hits of both orders, and what pulled the right and the wrong chunk. */
import type { Answer } from './arena';
import { signed } from './gate';
import { type Judged, METRICS } from './measures';
import type { QueryChange, RankedPlace } from './report';

/** Parts that moved a chunk most are named, so many of them. */
const NAMED_PARTS = 2;
/** Changes of a score below this are not worth a word. */
const SMALL = 0.005;

/** One query before and after. The outcome is by the rank of the first right hit, then by nDCG@10. */
export function changeOf(
  set: QueryChange['set'],
  judged: Judged,
  before: Answer,
  after: Answer,
): QueryChange {
  const [rankBefore, rankAfter] = [rankOf(before, judged), rankOf(after, judged)];
  return {
    ...{ query: judged.asked, set, rankBefore, rankAfter },
    outcome: outcomeOf(judged, before, after),
    before: placesOf(before, judged),
    after: placesOf(after, judged),
    why: whyOf(judged, before, after),
  };
}

/** True when another hit stands among the first three, or in another order. */
export function changesTopThree(before: Answer, after: Answer): boolean {
  return before.order.slice(0, 3).join() !== after.order.slice(0, 3).join();
}

function outcomeOf(judged: Judged, before: Answer, after: Answer): QueryChange['outcome'] {
  for (const metric of ['MRR@10', 'near-miss accuracy', 'nDCG@10'] as const) {
    const [was, is] = [METRICS[metric](before, judged), METRICS[metric](after, judged)];
    if (was !== undefined && is !== undefined && was !== is) return is > was ? 'win' : 'loss';
  }
  return 'tie';
}

function rankOf({ order }: Answer, { relevant }: Judged): number | undefined {
  const at = order.findIndex((id) => relevant.includes(id));
  return at < 0 ? undefined : at + 1;
}

function placesOf({ places }: Answer, { relevant, wrong }: Judged): RankedPlace[] {
  return places.map(({ chunkId, ...place }) => {
    if (relevant.includes(chunkId)) return { ...place, verdict: 'relevant' };
    return wrong.includes(chunkId) ? { ...place, verdict: 'notRelevant' } : place;
  });
}

function whyOf({ relevant, wrong }: Judged, before: Answer, after: Answer): string[] {
  const sentence = (what: string, ids: readonly number[]): string[] => {
    const id = ids.find((one) => before.order.includes(one) || after.order.includes(one));
    if (id === undefined) return [];
    const [from, to] = [rankText(before, id), rankText(after, id)];
    const pulls = pullsOn(id, before, after);
    if (from === to && pulls.length === 0) return [];
    const parts = pulls.map(({ name, change }) => `${name} ${signed(change)}`).join(', ');
    return [`The ${what} chunk went from ${from} to ${to}${parts === '' ? '' : ` (${parts})`}`];
  };
  return [...sentence('right', relevant), ...sentence('wrong', wrong)];
}

function rankText({ order }: Answer, id: number): string {
  const at = order.indexOf(id);
  return at < 0 ? 'beyond the hits looked at' : `rank ${at + 1}`;
}

function pullsOn(
  id: number,
  before: Answer,
  after: Answer,
): { readonly name: string; readonly change: number }[] {
  const [was, is] = [before.parts.get(id), after.parts.get(id)];
  if (!was || !is) return [];
  return [...new Set([...was.keys(), ...is.keys()])]
    .map((name) => ({ name, change: (is.get(name) ?? 0) - (was.get(name) ?? 0) }))
    .filter(({ change }) => Math.abs(change) >= SMALL)
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change))
    .slice(0, NAMED_PARTS);
}
