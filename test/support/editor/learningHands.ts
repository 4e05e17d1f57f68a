/** What a person does again and again in the flows of learning. */
import assert from 'node:assert/strict';
import { eventually, type Workbench } from './workbench';

export async function chooseComparison(window: Workbench, label: string): Promise<void> {
  await window.commandByKeys('Nearmiss: Compare Versions…');
  // A row moves while its list is filled, and a click would meet its neighbour.
  await window.chooseByKeys(label);
}

export async function judge(
  window: Workbench,
  file: string,
  verdict: string,
  said: string,
): Promise<void> {
  const hit = window.hit(`${file}:`);
  await hit.hover();
  await hit.getByRole('button', { name: verdict, exact: true }).click();
  await eventually(
    async () => (await hit.getAttribute('aria-label')) ?? '',
    (name) => name.includes(said),
  );
}

/** The places that the panel shows for a question, in order. */
export async function orderOf(window: Workbench, query: string): Promise<string[]> {
  await window.openPanel();
  await window.search(query);
  return places(await window.hitNames());
}

/** `path:line` of each, without what follows. */
export function places(names: readonly string[]): string[] {
  return names.map((name) => /^[^\s,]+/.exec(name)?.[0] ?? name);
}

export function rankOf(order: readonly string[], file: string): number {
  const rank = order.findIndex((place) => place.startsWith(`${file}:`));
  assert.ok(rank >= 0, `${file} is not among ${order.join(', ')}`);
  return rank;
}
