/** What the converting process and its owner say to each other. */
import type { Converted, ConversionLimits, DocumentFormat } from './converted';

export interface ConvertRequest {
  readonly id: number;
  readonly format: DocumentFormat;
  readonly bytes: Uint8Array;
  readonly limits: ConversionLimits;
}

export type ConvertReply =
  | { readonly id: number; readonly type: 'converted'; readonly converted: Converted }
  /** `sentence` is for a person: what the file is or has. */
  | { readonly id: number; readonly type: 'refused'; readonly sentence: string };
