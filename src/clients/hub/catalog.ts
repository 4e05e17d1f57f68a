/**
 * Checkpoints of the hub that suit what Nearmiss does, for those who do not want to look for one. The list is a
 * suggestion: each checkpoint is looked into like any other before it is used. Sizes are those of the ONNX file.
 */

export interface CatalogEntry {
  /** "owner/name" on the hub. */
  readonly name: string;
  /** What it is good for, in a few words. */
  readonly purpose: 'English' | 'many languages';
  readonly dimension: number;
  readonly megabytes: number;
  readonly licence: string;
  /** What is put before queries and documents, for checkpoints that do not bring it along. */
  readonly templates?: { readonly query: string; readonly document: string };
}

export const modelCatalog: readonly CatalogEntry[] = [
  {
    name: 'intfloat/multilingual-e5-small',
    purpose: 'many languages',
    dimension: 384,
    megabytes: 470,
    licence: 'MIT',
    templates: { query: 'query: ', document: 'passage: ' },
  },
  {
    name: 'sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2',
    purpose: 'many languages',
    dimension: 384,
    megabytes: 470,
    licence: 'Apache-2.0',
  },
  {
    name: 'BAAI/bge-small-en-v1.5',
    purpose: 'English',
    dimension: 384,
    megabytes: 133,
    licence: 'MIT',
    templates: {
      query: 'Represent this sentence for searching relevant passages: ',
      document: '',
    },
  },
  {
    name: 'sentence-transformers/all-MiniLM-L12-v2',
    purpose: 'English',
    dimension: 384,
    megabytes: 133,
    licence: 'Apache-2.0',
  },
];

export function catalogEntry(name: string): CatalogEntry | undefined {
  return modelCatalog.find((entry) => entry.name.toLowerCase() === name.toLowerCase());
}
