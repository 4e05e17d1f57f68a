/**
 * What the panel keeps while it is hidden or its window reloads: the question, the look, and the hits, so that it
 * comes back as it was left before anything is asked again. What is read back is checked; an older panel wrote it.
 */
import * as z from 'zod/mini';
import { panelFilters, panelHit, similarSource } from '../../protocol/panelMessages';
import type { PanelState } from './model';

/** Hits kept; more would make every save slow. */
const MOST_SAVED = 60;

const savedSchema = z.object({
  query: z.string(),
  filters: panelFilters,
  source: z.optional(similarSource),
  limit: z.int().check(z.positive(), z.maximum(1000)),
  hits: z.array(panelHit),
  noGoodMatch: z.boolean(),
  isGrouped: z.boolean(),
  closedFiles: z.array(z.string()),
  areFiltersOpen: z.boolean(),
  active: z.optional(z.string()),
  selected: z.array(z.string()),
  explained: z.array(z.string()),
  scrollTop: z.number(),
});

export type Saved = z.infer<typeof savedSchema>;

export function save(state: PanelState, scrollTop: number): Saved {
  const { query, filters, source, limit, noGoodMatch, isGrouped, areFiltersOpen, active } = state;
  const hits = state.hits.slice(0, MOST_SAVED);
  return {
    query,
    filters,
    source,
    limit: Math.min(limit, Math.max(hits.length, state.options.pageSize)),
    hits,
    noGoodMatch,
    isGrouped,
    closedFiles: [...state.closedFiles],
    areFiltersOpen,
    active,
    selected: [...state.selected],
    explained: [...state.explained],
    scrollTop,
  };
}

/** The saved state, checked; undefined when there is none that can be read. */
function readSaved(value: unknown): Saved | undefined {
  const parsed = z.safeParse(savedSchema, value);
  return parsed.success ? parsed.data : undefined;
}

export function restore(state: PanelState, value: unknown): PanelState {
  const saved = readSaved(value);
  if (!saved) return state;
  const { scrollTop: _, ...kept } = saved;
  return { ...state, ...kept, draft: kept.query, stage: kept.hits.length > 0 ? 'final' : 'idle' };
}

/** How far the list was scrolled. */
export function savedScroll(value: unknown): number {
  return readSaved(value)?.scrollTop ?? 0;
}
