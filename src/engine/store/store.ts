/**
 * The face of the room: a folder's index for its one writer and its readers, and the file of embeddings that
 * all folders share.
 */
import * as fs from 'node:fs';
import { messageOf, NearmissError } from '../../base/errors';
import { openDatabase } from './database';
import { WritableCache } from './embeddings';
import { SqliteFolderReader } from './folderReader';
import { SqliteFolderWriter } from './folderWriter';
import { migrate, refuseNewer, schemaVersion } from './schema';
import type {
  EmbeddingCache,
  FolderReader,
  FolderReaderOptions,
  FolderWriter,
  FolderWriterOptions,
} from './types';

/** Opens a folder's index for writing; makes it where there is none. One writer a folder at a time. */
export function openFolderWriter(file: string, options: FolderWriterOptions = {}): FolderWriter {
  const database = openDatabase(file, options);
  let cache: EmbeddingCache | undefined;
  try {
    migrate(database);
    cache = options.embeddingsFile ? openEmbeddingCache(options.embeddingsFile) : undefined;
    return new SqliteFolderWriter(database, cache);
  } catch (error) {
    cache?.dispose();
    database.dispose();
    throw error;
  }
}

/** Opens a folder's index for searching; its file may be made later. Embeddings come with the first `refresh`. */
export function openFolderReader(file: string, options: FolderReaderOptions = {}): FolderReader {
  return new SqliteFolderReader(file, options);
}

/** Opens the file of embeddings; makes it where it is missing, damaged or of another version. */
export function openEmbeddingCache(file: string): EmbeddingCache {
  return new WritableCache(file);
}

/** What is wrong with an index file, in a sentence; undefined when it is sound or missing. Reads all of it. */
export function checkIndex(file: string): string | undefined {
  if (!fs.existsSync(file)) return undefined;
  try {
    const database = openDatabase(file, { isReadOnly: true });
    try {
      refuseNewer(file, schemaVersion(database));
      const fault = database.quickCheck();
      return fault && `The index file is damaged: ${file}`;
    } finally {
      database.dispose();
    }
  } catch (error) {
    if (error instanceof NearmissError) return error.message;
    // SQLite has more words for a damaged file than we know: what fails while it is looked through is unsound.
    return `The index file is damaged: ${file} (${messageOf(error)})`;
  }
}
