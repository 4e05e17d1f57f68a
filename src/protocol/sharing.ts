/**
 * Marks shared by a repository, in the file `.nearmiss/marks.jsonl` of a folder: who gives, who takes, whose marks there
 * are. Both are off until a person says yes to each; taking is refused where the caller does not trust the folder.
 */

/** How sharing stands in one folder. */
export interface SharingInfo {
  readonly folder: string;
  /** The file, whether it is there or not. */
  readonly file: string;
  /** This user's marks are written to the file, under this name. */
  readonly isGiving: boolean;
  readonly author?: string;
  /** Marks of others that are in the file count here. */
  readonly isTaking: boolean;
  /** Whose marks the file holds, most first. */
  readonly authors: readonly { readonly author: string; readonly markCount: number }[];
  /** Marks of others that count here now. */
  readonly takenCount: number;
  /** Sentences about lines that are left out, or why the file is. */
  readonly problems: readonly string[];
}

export interface SetSharingParams {
  readonly folder: string;
  readonly gives?: boolean;
  readonly takes?: boolean;
  /** The name that stands beside this user's marks; without it the one of before, else the user's at this machine. */
  readonly author?: string;
  /** Takes this user's marks out of the file; only together with `gives: false`. */
  readonly withdraws?: boolean;
  /** The caller vouches for the folder: a person trusts what comes with it. */
  readonly isTrusted: boolean;
}

/** What a comparison of the file with the folder's marks changed. */
export interface SyncedSharing extends SharingInfo {
  readonly added: number;
  readonly removed: number;
}
