/**
 * How searching goes, kept on this machine alone: counts and times, never a query and never a path. An episode is what a
 * person does about one question: asking it, perhaps in other words, until a hit is opened or the question is given up.
 */

import type { SourceSpan } from './types';

/** How an episode began, went on or ended. */
export interface UsageEvent {
  readonly kind: 'search' | 'reformulated' | 'opened' | 'unresolved';
  /** Of the hit that was opened, from 1. */
  readonly rank?: number;
  /** From the first key press of the episode to the hit that was opened. */
  readonly seconds?: number;
  /** The hit that was opened, to see which of two compared versions had it higher; it is not kept. */
  readonly hit?: SourceSpan;
}

/** A week of one folder. */
export interface UsageWeek {
  /** "2026-11-23": its Monday, in UTC. */
  readonly monday: string;
  /** Episodes. */
  readonly searchCount: number;
  readonly openedCount: number;
  /** Given up: nothing was opened. */
  readonly unresolvedCount: number;
  /** Other words within a minute. */
  readonly reformulationCount: number;
  readonly markCount: number;
  /** Seconds to the hit that was opened, one for each that is known. */
  readonly seconds: readonly number[];
  /** Ranks of opened hits. */
  readonly ranks: readonly number[];
}

/** "Did search find what you needed this month?" */
export interface Pulse {
  /** "2026-11". */
  readonly month: string;
  readonly answer: PulseAnswer;
}

export const PULSE_ANSWERS = ['mostly', 'sometimes', 'rarely'] as const;
export type PulseAnswer = (typeof PULSE_ANSWERS)[number];

export interface UsageReport {
  readonly folder: string;
  /** Oldest first; weeks without anything are left out. */
  readonly weeks: readonly UsageWeek[];
  readonly pulses: readonly Pulse[];
}
