/**
 * The order of hits on the screen. The engine decides it; what the pointer or the keyboard is on stays where it is
 * while an answer arrives, so that nobody opens or marks a hit that slid under the hand.
 */
import type { PanelHit } from '../../protocol/panelMessages';

/**
 * `arriving` in its own order, except that each pinned hit keeps the place it has in `shown`. A pinned hit that the
 * answer no longer holds stays as well, as it was.
 */
export function settle(
  shown: readonly PanelHit[],
  arriving: readonly PanelHit[],
  pinned: readonly string[],
): PanelHit[] {
  const held = shown.flatMap((hit, place) => (pinned.includes(hit.key) ? [{ hit, place }] : []));
  const fresh = new Map(arriving.map((hit) => [hit.key, hit]));
  const result = arriving.filter((hit) => !held.some((each) => each.hit.key === hit.key));
  // In order of place: each insertion leaves the places before it as they are.
  for (const { hit, place } of held)
    result.splice(Math.min(place, result.length), 0, fresh.get(hit.key) ?? hit);
  return result;
}

/** The hits shown stay where they are, and those that are new follow. */
export function append(shown: readonly PanelHit[], arriving: readonly PanelHit[]): PanelHit[] {
  const fresh = new Map(arriving.map((hit) => [hit.key, hit]));
  const kept = shown.map((hit) => fresh.get(hit.key) ?? hit);
  const known = new Set(shown.map((hit) => hit.key));
  return [...kept, ...arriving.filter((hit) => !known.has(hit.key))];
}

/** A hit marked not relevant goes to the end at once; the engine's own order follows. */
export function sink(hits: readonly PanelHit[], key: string): PanelHit[] {
  const others = hits.filter((hit) => hit.key !== key);
  return [...others, ...hits.filter((hit) => hit.key === key)];
}

/** One row of the list: a hit, or the head of a file's hits. */
export type Row =
  | {
      readonly type: 'hit';
      readonly key: string;
      readonly hit: PanelHit;
      readonly isNested: boolean;
    }
  | {
      readonly type: 'file';
      readonly key: string;
      readonly hit: PanelHit;
      readonly hitCount: number;
      readonly isClosed: boolean;
    };

/** Rows in the order shown. Files stand in the order of their best hit, a closed file shows its head only. */
export function rowsOf(
  hits: readonly PanelHit[],
  isGrouped: boolean,
  closedFiles: readonly string[],
): Row[] {
  if (!isGrouped) return hits.map((hit) => ({ type: 'hit', key: hit.key, hit, isNested: false }));
  const files = new Map<string, PanelHit[]>();
  for (const hit of hits) {
    const group = files.get(fileKey(hit));
    if (group) group.push(hit);
    else files.set(fileKey(hit), [hit]);
  }
  return [...files].flatMap(([key, group]): Row[] => {
    const [best] = group;
    if (!best) return [];
    const isClosed = closedFiles.includes(key);
    const head: Row = { type: 'file', key, hit: best, hitCount: group.length, isClosed };
    if (isClosed) return [head];
    return [head, ...group.map((hit): Row => ({ type: 'hit', key: hit.key, hit, isNested: true }))];
  });
}

/** Key of the row above a file's hits. */
export function fileKey(hit: Pick<PanelHit, 'folder' | 'path'>): string {
  return `file\n${hit.folder}\n${hit.path}`;
}
