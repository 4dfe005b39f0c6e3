// What `definePipeline` must infer and refuse; compiled, never run.
import { map, type Observable, of } from 'rxjs';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import { callTimeout, mapConcurrent, mapValue, retryWithBackoff, routeBy, withinBudget, withPermit } from '../../operators/index.ts';
import type { Codec } from '../../src/codec/codec.ts';
import { json } from '../../src/codec/json.ts';
import { llama } from '../../src/inference/llama/llama.ts';
import { definePipeline, type Pipeline, topic } from '../../src/pipeline.ts';
import { permits } from '../../src/policies/permits.ts';
import { tokenBudget } from '../../src/policies/token-budget.ts';

const Review = z.object({ text: z.string() });
const Judgement = z.object({ sentiment: z.enum(['positive', 'negative']) });
const Enriched = z.object({ text: z.string(), sentiment: z.enum(['positive', 'negative']), model: z.string(), tokens: z.number() });
const judge = (review: z.infer<typeof Review>): string => `Review: ${review.text}`;

const reviews = definePipeline({
  name: 'reviews',
  input: topic('reviews', json(Review)),
  output: topic('reviews.enriched', json(Enriched)),
  deadLetter: topic('reviews.dead'),
  ordering: 'key',
  resources: {
    model: llama({ model: 'smollm2' }),
    slots: permits(8),
    budget: tokenBudget({ tokensPerMinute: 60_000, requestsPerMinute: 500 }),
  },
  process: (source, { model, slots, budget }) =>
    source.pipe(
      mapConcurrent(
        (review, ctx) =>
          model.answer(judge(review), { schema: Judgement, repairs: 1 }, ctx).pipe(
            callTimeout({ ms: 30_000 }),
            withPermit(slots),
            withinBudget(budget, { estimate: () => model.estimate(judge(review)) }),
            retryWithBackoff({ attempts: 4, initialMs: 250, maxMs: 30_000 }),
            map(({ value, usage, model: name }) => ({ ...review, ...value, model: name, tokens: usage.totalTokens })),
          ),
        { concurrency: 32 },
      ),
    ),
});
expectTypeOf(reviews).toEqualTypeOf<Pipeline<z.infer<typeof Review>, z.infer<typeof Enriched>>>();

const common = { name: 'x', input: topic('a', json(Review)), deadLetter: 'stop' } as const;
const long = topic('long', json(Review));
const short = topic('short', json(z.number()));

// several outputs: routeBy's names and the values of both topics
definePipeline({ ...common, output: { long, short }, process: (s) => s.pipe(routeBy(({ text }) => (text.length > 5 ? 'long' : 'short'))) });
definePipeline({
  ...common,
  output: { long, short },
  process: (s) =>
    s.pipe(
      mapValue(({ text }) => text.length),
      routeBy(() => 'short'),
    ),
});
// @ts-expect-error a name that is no output
definePipeline({ ...common, output: { long, short }, process: (s) => s.pipe(routeBy(() => 'middle')) });
// no output: anything may reach the end
definePipeline({ ...common, process: (s) => s.pipe(mapValue(() => Symbol('done'))) });
// a key of one's own
const key: Codec<{ readonly tenant: number }> = { name: 'key', decode: () => ({ tenant: 1 }), encode: () => null };
definePipeline({
  ...common,
  input: topic('a', json(Review), { key }),
  process: (s) => s.pipe(mapValue((_, envelope) => envelope.key.tenant)),
});

definePipeline({
  ...common,
  output: topic('b', json(Enriched)),
  // @ts-expect-error wrong output type
  process: (r) => r.pipe(mapConcurrent(() => of({ nope: 1 }), { concurrency: 1 })),
});
definePipeline({
  ...common,
  output: topic('b', json(Review)),
  // @ts-expect-error map(e => e.value) loses the envelope
  process: (r) => r.pipe(map((e) => e.value)),
});
// @ts-expect-error a dead-letter topic, or 'stop', must be named
definePipeline({ name: 'x', input: topic('a', json(Review)), process: (r: Observable<never>) => r });
