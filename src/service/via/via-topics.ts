import { z } from 'zod';
import type { Codec } from '../../codec/codec.ts';
import { json } from '../../codec/json.ts';
import { type Topic, topic } from '../../pipeline.ts';

const turns = z.array(
  z.object({
    role: z.enum(['system', 'user', 'assistant']),
    content: z.string(),
    toolCalls: z.array(z.object({ id: z.string(), name: z.string(), arguments: z.string() })).exactOptional(),
    toolCallId: z.string().exactOptional(),
  }),
);
const options = z.record(z.string(), z.unknown());
const asked = { id: z.string().min(1).max(200), deadlineAtMs: z.number() };

const requestSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('chat'), ...asked, turns, options }),
  z.object({ kind: z.literal('complete'), ...asked, text: z.string(), options }),
  z.object({ kind: z.literal('embed'), ...asked, texts: z.array(z.string()) }),
]);

const usage = z.object({ inputTokens: z.number(), cachedTokens: z.number(), outputTokens: z.number(), totalTokens: z.number() });
const told = z.object({
  token: z.string(),
  logProbability: z.number(),
  top: z.array(z.object({ token: z.string(), logProbability: z.number() })),
});
const toolCall = z.object({
  index: z.int().min(0),
  id: z.string().exactOptional(),
  name: z.string().exactOptional(),
  arguments: z.string(),
});
/** Which try at which request it is of, and its place in it: 0, 1, … */
const placed = { id: z.string(), run: z.string(), seq: z.int().min(0) };

const capabilities = z.object({
  contextTokens: z.number().optional(),
  jsonSchema: z.boolean(),
  logProbabilities: z.boolean(),
  embeddings: z.boolean(),
  completion: z.boolean(),
  tools: z.boolean().optional(), // workers of before do not tell
  sampling: z.array(z.enum(['topP', 'topK', 'minP', 'seed', 'stopTokens', 'logProbabilities'])),
});

const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('begun'), ...placed }),
  z.object({
    kind: z.literal('piece'),
    ...placed,
    text: z.string(),
    tokenCount: z.number().optional(),
    tokens: z.array(told).optional(),
    toolCalls: z.array(toolCall).optional(),
  }),
  z.object({
    kind: z.literal('end'),
    ...placed,
    text: z.string(),
    tokenCount: z.number().optional(),
    usage,
    finishReason: z.enum(['stop', 'length', 'refused']),
    model: z.string(),
  }),
  z.object({ kind: z.literal('vectors'), ...placed, vectors: z.array(z.string()), tokens: z.number(), model: z.string() }),
  z.object({ kind: z.literal('done'), ...placed }),
  z.object({ kind: z.literal('failed'), ...placed, code: z.string(), message: z.string(), retryAfterMs: z.number().optional() }),
  z.object({ kind: z.literal('worker'), worker: z.string(), model: z.string(), capabilities }),
]);

const controlSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('cancel'), id: z.string() }),
  z.object({ kind: z.literal('alive'), who: z.string() }),
]);

export type ViaRequest = z.output<typeof requestSchema>;
/** What a worker tells of one request. */
export type ViaAnswer = Exclude<z.output<typeof answerSchema>, { readonly kind: 'worker' }>;
/** What a worker tells of itself. */
export type ViaWorkerTold = Extract<z.output<typeof answerSchema>, { readonly kind: 'worker' }>;
export type ViaControl = z.output<typeof controlSchema>;

/** The topics between servers and workers, by the name of the first. */
export interface ViaTopics {
  /** What is asked, each by one worker. */
  readonly requests: Topic<ViaRequest>;
  /** What comes of it, read by all servers. */
  readonly answers: Topic<ViaAnswer | ViaWorkerTold>;
  /** What is wanted no more, and who is there: read by all workers. */
  readonly control: Topic<ViaControl>;
  /** Requests that are none. */
  readonly dead: Topic<Uint8Array | null>;
}

/** @throws OptionError for a name that no topic can have. */
export const viaTopics = (name: string): ViaTopics => ({
  requests: topic(name, json(requestSchema)),
  answers: topic(`${name}.tokens`, json(answerSchema)),
  control: topic(`${name}.control`, json(controlSchema)),
  dead: topic(`${name}.dead`),
});

/** What a record says; undefined where it says nothing that is known here: another program's, or a later version's. */
export function readAs<T>(codec: Codec<T>, bytes: Uint8Array | null): T | undefined {
  try {
    return codec.decode(bytes);
  } catch {
    return undefined;
  }
}
