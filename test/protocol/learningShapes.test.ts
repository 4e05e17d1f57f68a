/**
 * Rooms do not know the protocol, so that what a run reports is described on both sides of it. Here the two descriptions are
 * held against each other by the compiler: a field, a word or a mark of optionality that only one side has does not compile.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as room from '../../src/engine/learning/report';
import type { PlannedTier } from '../../src/engine/learning/tiers';
import type { VersionScope } from '../../src/engine/learning/versionStore';
import type * as wire from '../../src/protocol/learning';

/** True where both are the same, down to what is optional and read-only. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

interface Pairs {
  readonly report: Same<room.LearningReport, wire.LearningReport>;
  readonly tier: Same<room.TierOutcome, wire.TierOutcome>;
  readonly method: Same<room.MethodOutcome, wire.MethodOutcome>;
  readonly change: Same<room.QueryChange, wire.QueryChange>;
  readonly review: Same<room.ReviewItem, wire.ReviewItem>;
  readonly check: Same<room.CheckedAgain, wire.CheckedAgain>;
  readonly planned: Same<PlannedTier, wire.LearningPlanTier>;
  readonly scope: Same<Readonly<VersionScope>, wire.VersionScope>;
  /** What differs is seen: a missing field, and one that may be missing. */
  readonly missing: Same<room.LearningReport, Omit<wire.LearningReport, 'methods'>>;
  readonly optional: Same<room.CurvePoint, Partial<wire.CurvePoint>>;
}

test('describes a report the same in the room and on the wire', () => {
  const pairs: Pairs = {
    ...{ report: true, tier: true, method: true, change: true, review: true, check: true },
    ...{ planned: true, scope: true, missing: false, optional: false },
  };
  assert.equal(Object.values(pairs).filter((isSame) => !isSame).length, 2);
});
