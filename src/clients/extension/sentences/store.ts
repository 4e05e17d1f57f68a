/** The index on the disk. */
import type { KnownSentence } from './sentence';

export const storeSentences: readonly KnownSentence[] = [
  'The disk is full: {}',
  'Free some space, then try again',
  'The index cannot be written: {}',
  [
    'Make the file and its folder writable, or choose another data folder with --data',
    'Make the file and its folder writable, or choose another folder in the setting nearmiss.dataFolder',
  ],
  'The index file is damaged: {}',
  'The index file is damaged: {} ({})',
  [
    'Run "nearmiss doctor --fix" to build it anew; nothing of yours is in it',
    'Rebuild Index builds it anew; nothing of yours is in it',
  ],
  'Another process holds the index: {}',
  'Try again in a moment',
  'The index cannot be opened: {}',
  'Check that its folder exists and may be read',
  'The index cannot be read from disk: {}',
  ['Check the disk, then run "nearmiss doctor --fix"', 'Check the disk, then use Rebuild Index'],
  'The embeddings have another format: {}',
  'The index was written by a newer version of Nearmiss: {}',
  [
    'Update Nearmiss, or run "nearmiss clear" to build the index anew',
    'Update Nearmiss, or use Clear Index to build it anew',
  ],
];
