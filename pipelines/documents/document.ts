import { z } from 'zod';
import type { Json } from './merge/merge-extractions.ts';

/** A document that waits: where it stands in the input. What is in it is read when its turn has come. */
export const DocumentReference = z.object({
  /** Of the run that fed it: what a killed one has left in a topic is not this one's. */
  run: z.string(),
  /** Its place in the input, from 0. */
  place: z.int().min(0),
  id: z.string(),
});
export type DocumentReference = z.infer<typeof DocumentReference>;

/** What is told of a document in its answer. */
export interface DocumentInput {
  readonly id: string;
  readonly name: string;
  /** Of a row: where it begins. */
  readonly line?: number;
  readonly mediaType?: string;
  readonly encoding?: string;
  readonly title?: string;
  /** Of the normalised text. */
  readonly chars?: number;
  /** SHA-256 of the normalised text. */
  readonly hash?: string;
  /** What a row of JSONL, CSV or Parquet holds beside the text. */
  readonly fields?: Readonly<Record<string, Json>>;
  /** What was odd about it, and was put up with. */
  readonly warnings?: readonly string[];
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** What the calls for a document took; those that the journal answered took nothing. */
export interface DocumentUsage {
  /** Calls that a model answered in this run. */
  readonly calls: number;
  /** Calls that had been answered before. */
  readonly fromJournal: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What could not be had of a document that has an answer all the same. */
export interface Missing {
  readonly task: string;
  /** Of the document's chunks, how many have no answer. */
  readonly chunks: number;
  readonly of: number;
  /** What was not done with the answers of the chunks: `summarize/reduce`, after which they stand one below the other. */
  readonly step?: string;
  readonly error: Failure;
}

/** The answer to one document. */
export interface DocumentResult {
  readonly run: string;
  readonly place: number;
  readonly status: 'success' | 'error';
  readonly input: DocumentInput;
  /** By task, as it was given: `classify=a,b`. */
  readonly result?: Readonly<Record<string, Json>>;
  readonly error?: Failure;
  /** The answer is partial: this is not in it. */
  readonly partial?: readonly Missing[];
  /** The steps that stood in for better ones: `shorter-prompt`, `fallback-model`. */
  readonly degraded?: readonly string[];
  readonly usage: DocumentUsage;
  /** From taking the document to its answer. */
  readonly ms: number;
}

const failure = z.object({ code: z.string(), message: z.string() });
const usage = z.object({ calls: z.number(), fromJournal: z.number(), inputTokens: z.number(), outputTokens: z.number() });

/** As it stands in the output topic. */
export const DocumentResult: z.ZodType<DocumentResult> = z.object({
  run: z.string(),
  place: z.int().min(0),
  status: z.enum(['success', 'error']),
  input: z.looseObject({ id: z.string(), name: z.string() }),
  result: z.record(z.string(), z.json()).optional(),
  error: failure.optional(),
  partial: z
    .array(z.object({ task: z.string(), chunks: z.number(), of: z.number(), step: z.string().optional(), error: failure }))
    .optional(),
  degraded: z.array(z.string()).optional(),
  usage,
  ms: z.number(),
}) as unknown as z.ZodType<DocumentResult>; // optional members are absent in JSON, never undefined
