import { defer, forkJoin, map } from 'rxjs';
import { type Clock, definePipeline, json, llama, type Model, type Pipeline, type Resource, systemClock, topic } from 'millrace';
import { callTimeout, mapConcurrent, retryWithBackoff } from 'millrace/operators';
import { type Asking, judgeSentiment } from './judge-sentiment.ts';
import { aspectFinder } from './find-aspect.ts';
import { EnrichedReview, Review } from './schema.ts';

export interface ReviewsOptions {
  /** @defaultValue llama({ model: 'smollm2' }) */
  readonly model?: Resource<Model>;
  /** @defaultValue 'completion' */
  readonly asking?: Asking;
  /** Goes before the names of topics and group: `demo.` makes `demo.reviews`. @defaultValue '' */
  readonly prefix?: string;
  /** Sentences with a call running. More than the model evaluates together only wait in it. @defaultValue 4 */
  readonly concurrency?: number;
  /** Measures latency. @defaultValue the system clock */
  readonly clock?: Clock;
}

/** The topics that the pipeline reads and writes. */
export const reviewsTopics = (prefix = '') =>
  ({
    input: topic(`${prefix}reviews`, json(Review)),
    output: topic(`${prefix}reviews.enriched`, json(EnrichedReview)),
    dead: topic(`${prefix}reviews.dead`),
  }) as const;

/** Sentences of customer reviews in, the same with sentiment and aspect out. */
export function reviewsPipeline(options: ReviewsOptions = {}): Pipeline<Review, EnrichedReview> {
  const { model = llama({ model: 'smollm2' }), asking = 'completion', prefix = '', concurrency = 4, clock = systemClock } = options;
  const { input, output, dead } = reviewsTopics(prefix);
  return definePipeline({
    name: `${prefix}reviews`,
    input,
    output,
    deadLetter: dead,
    ordering: 'key', // the sentences of one review leave in their order
    deadlineMs: 600_000,
    resources: { model, findAspect: aspectFinder(model) }, // the model is opened once, for both
    process: (reviews, { model: opened, findAspect }) =>
      reviews.pipe(
        mapConcurrent(
          ({ id, text }, ctx) =>
            defer(() => {
              const startedMs = clock.nowMs();
              return forkJoin({
                mood: judgeSentiment(opened, asking, text, ctx),
                topic: findAspect(text, ctx),
              }).pipe(
                callTimeout({ ms: 60_000 }), // innermost: one attempt; a loaded machine needs seconds
                retryWithBackoff({ attempts: 4, initialMs: 250, maxMs: 10_000 }),
                map(({ mood, topic: { aspect, tokens } }) => ({
                  id,
                  text,
                  sentiment: mood.label,
                  confidence: Math.round(mood.confidence * 1000) / 1000,
                  aspect,
                  model: mood.model,
                  tokens: mood.usage.totalTokens + tokens,
                  latencyMs: Math.round(clock.nowMs() - startedMs),
                })),
              );
            }),
          { concurrency },
        ),
      ),
  });
}

export default reviewsPipeline();
