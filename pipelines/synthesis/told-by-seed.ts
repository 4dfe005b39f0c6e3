import { z } from 'zod';
import type { FromSeed } from './seed-protocol.ts';

const step = z.object({
  id: z.number(),
  parent: z.number().nullable(),
  depth: z.number(),
  tool: z.string(),
  input: z.unknown(),
  text: z.string(),
  source: z.string().exactOptional(),
  isCut: z.boolean().exactOptional(),
  foundNothing: z.boolean().exactOptional(),
  error: z.string().exactOptional(),
});
const evidence = z.object({ step: z.number(), tool: z.string(), input: z.unknown(), text: z.string(), source: z.string().exactOptional() });
const check = z.object({ result: z.enum(['pass', 'fail', 'skipped']), why: z.string().exactOptional() });
const tokens = z.object({ input: z.number(), output: z.number() });
const trajectory = z.object({
  id: z.string(),
  steps: z.array(step),
  pair: z.object({ question: z.string(), answer: z.string(), evidence: z.array(evidence) }).exactOptional(),
  why: z.string().exactOptional(),
  checks: z.object({ schema: check, answerable: check, closed_book: check }).exactOptional(),
  tokens,
});

/** What is found out about one seed, as it is kept. */
export const findingsSchema = z.object({
  trajectories: z.array(trajectory),
  depth: z.number(),
  steps: z.number(),
  tools: z.record(z.string(), z.object({ used: z.number(), failed: z.number() })),
  ends: z.record(z.string(), z.number()),
  toolMs: z.number(),
  model: z.string(),
});

const turn = z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() });
const question = z.object({
  step: z.enum(['explore', 'write', 'answer', 'compare']),
  turns: z.array(turn),
  jsonSchema: z.record(z.string(), z.unknown()),
  maxTokens: z.int().min(1),
  temperature: z.number().min(0).max(2),
  seed: z.int().min(0),
});
const used = { cpuMs: z.number(), maxRssBytes: z.number() };
const fromSeed = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('ask'), id: z.int(), question }),
  z.object({ kind: z.literal('done'), findings: findingsSchema, ...used }),
  z.object({ kind: z.literal('failed'), code: z.string(), message: z.string(), ...used }),
]);

/** A message of a seed's process. What a tool of somebody's own sends there is none of ours: undefined. */
export const toldBySeed = (message: unknown): FromSeed | undefined => fromSeed.safeParse(message).data;
