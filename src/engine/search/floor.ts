/**
 * When nothing here answers, the search says so above the weak hits. The floor looks at raw values, which
 * keep their level between queries, never at scaled ones.
 */
import type { Candidate } from './retrieve';
import type { Query } from './query';

/** A best cosine below this is what questions about something else reach. Set by the bench `floor`. */
const COSINE_FLOOR = 0.25;

/** True when even the best of these hits is unlikely to answer. */
export function isBelowFloor(
  hits: readonly (Candidate & { readonly logit?: number })[],
  query: Query,
): boolean {
  if (hits.length === 0) return true;
  if (hits.some((hit) => hit.defines !== undefined || (hit.pathFit ?? 0) > 0)) return false;
  if (query.phrases.length > 0) return false;
  const cosines = hits.flatMap((hit) => (hit.contextual ? [hit.contextual.value] : []));
  if (cosines.length === 0) return false;
  return Math.max(...cosines) < COSINE_FLOOR;
}
