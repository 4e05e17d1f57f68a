/**
 * Asks through the panel while two versions answer mixed, opens hits of the one, the other, both or none, and counts by hand:
 * whose a hit is, is found out from the list on the screen and from the two orders alone, asked for before.
 */
import assert from 'node:assert/strict';
import { QUESTIONS } from '../learningWorld';
import { type Side, sidesOf } from '../mixture';
import { chooseComparison, orderOf } from './learningHands';
import { eventually, type Workbench } from './workbench';
import type { World } from './world';

export interface Asked {
  readonly topic: number;
  /** `both`: a hit that both have at the same rank. */
  readonly opens: Side | 'both' | 'nothing';
}

export interface Tally {
  readonly searches: number;
  readonly wins: number;
  readonly losses: number;
  readonly ties: number;
}

/** Begins the comparison with the base, which answers, and leaves it running. */
export async function compareByHand(
  here: World,
  version: string,
  asked: readonly Asked[],
): Promise<Tally> {
  const { window, workspace: folder } = here;
  const client = here.client();
  const topics = asked.map(({ topic }) => topic);
  const ordersOf = async (id: string): Promise<string[][]> => {
    await client.call('useVersion', { folder, version: id });
    const orders: string[][] = [];
    for (const topic of topics) orders.push(await orderOf(window, QUESTIONS[topic]!));
    return orders;
  };
  const candidates = await ordersOf(version);
  const currents = await ordersOf('base');
  // A list that stands there would be asked for again, and count.
  for (const each of here.windows) await each.box.fill('');
  await window.command('Notifications: Clear All Notifications');
  await chooseComparison(window, `Compare live: ${version}`);
  await window.message('Answers in the editor are mixed of both now').first().waitFor();
  await window.screenshot('38-live-begun');

  let tally: Tally = { searches: 0, wins: 0, losses: 0, ties: 0 };
  const counts = async (): Promise<Tally | undefined> => {
    const { comparison } = await client.call('versions', { folder });
    if (!comparison) return undefined;
    const { searches, wins, losses, ties } = comparison.live;
    return { searches, wins, losses, ties };
  };
  const isCounted = (): Promise<unknown> =>
    eventually(counts, (seen) => JSON.stringify(seen) === JSON.stringify(tally));
  for (const [at, { opens }] of asked.entries()) {
    const orders = { current: currents[at]!, candidate: candidates[at]! };
    const shown = await orderOf(window, QUESTIONS[topics[at]!]!);
    const sides = sidesOf(shown, orders);
    assert.ok(sides, `no mixture of ${JSON.stringify(orders)}: ${shown.join(', ')}`);
    tally = { ...tally, searches: tally.searches + 1 };
    await isCounted();
    const isTie = (hit: string): boolean =>
      orders.current.indexOf(hit) === orders.candidate.indexOf(hit);
    const hitOf = (wanted: Side | 'both'): string => {
      const found = shown.find((hit, place) =>
        wanted === 'both' ? isTie(hit) : !isTie(hit) && sides[place] === wanted,
      );
      assert.ok(found, `no hit of ${wanted}: ${JSON.stringify({ shown, sides, orders })}`);
      return found;
    };
    if (at === 0) await window.screenshot('38-live-mixed');
    if (opens === 'nothing') {
      await lookAt(window, hitOf('candidate'));
      continue;
    }
    await openHit(window, hitOf(opens));
    tally = {
      ...tally,
      wins: tally.wins + Number(opens === 'candidate'),
      losses: tally.losses + Number(opens === 'current'),
      ties: tally.ties + Number(opens === 'both'),
    };
    await isCounted();
    // Who looks on after the first one decides nothing more.
    if (opens === 'candidate') await openHit(window, hitOf('current'));
  }
  await isCounted();
  return tally;
}

/** A preview, which is no decision. */
async function lookAt(window: Workbench, hit: string): Promise<void> {
  await window.hit(`${hit},`).click();
  await isInFront(window, hit);
}

async function openHit(window: Workbench, hit: string): Promise<void> {
  await window.hit(`${hit},`).press('Enter');
  await isInFront(window, hit);
}

async function isInFront(window: Workbench, hit: string): Promise<void> {
  const name = /([^/]+):\d+$/.exec(hit)?.[1];
  await window.activeTab.filter({ hasText: name }).waitFor();
}
