/** Sizes and counts at which the documents room stops, and says so. */

/** A file larger than this is not read; hardly any file written by a person is. */
export const DEFAULT_MAX_FILE_BYTES = 2 * 1024 * 1024;

/** A PDF or office document larger than this is not read: pictures are most of it by then. */
export const MAX_DOCUMENT_BYTES = 100 * 1024 * 1024;

/** Files of one folder that are indexed; the rest is counted and reported. */
export const DEFAULT_MAX_FILE_COUNT = 200_000;
