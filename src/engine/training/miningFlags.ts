/** The flags of `nearmiss mine`: each setting of the miner, by the names and forms that a JSON file can hold. */
import * as z from 'zod';
import { readFlags } from './flagFile';
import { MINING_DEFAULTS, type MiningSettings } from './negatives';

const share = z.number().min(0).max(1);
const count = z.int().nonnegative();

const flagsSchema = z
  .strictObject({
    depth: z.int().min(1).max(10_000),
    voting: z.enum(['soft', 'weighted', 'fused']),
    /** Of spaces by name, for weighted and fused voting; 1 for those that are left out. */
    weights: z.record(z.string(), z.number().nonnegative()),
    /** 1 leaves only equal texts and lines. */
    duplicateCosine: share,
    condition: z.enum(['off', 'plain', 'calibrated']),
    mustConfuse: z.boolean(),
    /** null for no ceiling. */
    ceiling: z.number().positive().nullable(),
    /** null for no teacher. */
    teacherMargin: z.number().nullable(),
    ranks: z
      .tuple([z.int().min(1), z.int().min(1)])
      .refine(([first, last]) => first <= last, 'the first comes before the last'),
    negativeCount: count,
    randomCount: count,
    perFile: z.int().min(1),
  })
  .partial();

export interface MiningFlags {
  readonly settings: MiningSettings;
  /** Votes of spaces by name, 1 where one is left out. */
  readonly weights: Readonly<Record<string, number>>;
}

/** All flags as a file holds them, so that a run can be repeated by its record. */
export function flagsOf({ settings, weights }: MiningFlags): z.infer<typeof flagsSchema> {
  const {
    ceiling,
    teacherMargin,
    duplicateCosine,
    ranks: [first, last],
    ...flags
  } = settings;
  return {
    ...{ ...flags, weights, ranks: [first, last] },
    ceiling: Number.isFinite(ceiling) ? ceiling : null,
    teacherMargin: Number.isFinite(teacherMargin) ? teacherMargin : null,
    duplicateCosine: Number.isFinite(duplicateCosine) ? duplicateCosine : 1,
  };
}

/** The defaults, with what the file changes; all of them without a file. Throws as `readFlags` does. */
export async function readMiningFlags(file: string | undefined): Promise<MiningFlags> {
  if (file === undefined) return { settings: MINING_DEFAULTS, weights: {} };
  const {
    weights = {},
    ceiling,
    teacherMargin,
    duplicateCosine,
    ...flags
  } = await readFlags(file, flagsSchema);
  const settings = {
    ...MINING_DEFAULTS,
    ...flags,
    ...(ceiling !== undefined && { ceiling: ceiling ?? Infinity }),
    ...(teacherMargin !== undefined && { teacherMargin: teacherMargin ?? -Infinity }),
    ...(duplicateCosine !== undefined && {
      duplicateCosine: duplicateCosine < 1 ? duplicateCosine : Infinity,
    }),
  };
  return { settings, weights };
}
