import { z } from 'zod';
import { aspects } from './aspect-examples.ts';

/** One sentence of a review. Its key in the topic is the review, so the sentences of one review keep their order. */
export const Review = z.object({ id: z.string().min(1).max(100), text: z.string().min(1).max(10_000) });
export type Review = z.infer<typeof Review>;

const sentiments = ['positive', 'negative'] as const;

/** What the pipeline makes of it. */
export const EnrichedReview = z.object({
  id: z.string(),
  text: z.string(),
  sentiment: z.enum(sentiments),
  /** Share of `sentiment` among the two, 0.5 to 1; 1 where the model does not say. */
  confidence: z.number().min(0).max(1),
  aspect: z.enum(aspects),
  model: z.string(),
  /** Of all calls for this sentence, prompt and answer. */
  tokens: z.int().min(0),
  /** From the first call to the last answer, attempts and waits between them included; without the wait for a turn. */
  latencyMs: z.number().min(0),
});
export type EnrichedReview = z.infer<typeof EnrichedReview>;
