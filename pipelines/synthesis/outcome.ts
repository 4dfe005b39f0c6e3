import { z } from 'zod';
import type { Findings } from './agent/findings.ts';
import { findingsSchema } from './told-by-seed.ts';

const cost = {
  /** Processes that were started for it. */
  attempts: z.int(),
  /** Of all of them, and so of what came to nothing, too. */
  calls: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  wallMs: z.number(),
  callMs: z.number(),
  waitMs: z.number(),
  cpuMs: z.number(),
  maxRssBytes: z.number(),
};

/** What came of a seed, as the journal keeps it. */
export const SeedOutcome = z.discriminatedUnion('status', [
  z.object({ status: z.literal('done'), findings: findingsSchema, ...cost }),
  z.object({ status: z.literal('failed'), error: z.object({ code: z.string(), message: z.string() }), ...cost }),
]);
export type SeedOutcome = Cost &
  (
    | { readonly status: 'done'; readonly findings: Findings }
    | { readonly status: 'failed'; readonly error: { readonly code: string; readonly message: string } }
  );

/** What it took. */
type Cost = { readonly [K in keyof typeof cost]: number };

/** Of a seed that failed before anything was begun. */
export const nothingSpent: Cost = {
  attempts: 0,
  calls: 0,
  inputTokens: 0,
  outputTokens: 0,
  wallMs: 0,
  callMs: 0,
  waitMs: 0,
  cpuMs: 0,
  maxRssBytes: 0,
};

/** A seed on its way, by its place in the run. */
export const SeedReference = z.object({ run: z.string(), place: z.int().min(0), sourceId: z.string() });
export type SeedReference = z.infer<typeof SeedReference>;

/** Said when an outcome is in the journal. */
export const SeedResult = z.object({ ...SeedReference.shape, status: z.enum(['done', 'failed']) });
export type SeedResult = z.infer<typeof SeedResult>;
