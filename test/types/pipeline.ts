// What `definePipeline` must infer and refuse; compiled, never run.
import { map, type Observable, of } from 'rxjs';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import { callTimeout, mapConcurrent, mapValue, retryWithBackoff, routeBy, withinBudget, withPermit } from '../../operators/index.ts';
import type { Codec } from '../../src/codec/codec.ts';
import { json } from '../../src/codec/json.ts';
import { llama } from '../../src/inference/llama/llama.ts';
import type { Envelope } from '../../src/record/envelope.ts';
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

interface Tenant {
  readonly tenant: number;
}
const tenantKey: Codec<Tenant> = { name: 'key', decode: () => ({ tenant: 1 }), encode: () => null };
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
// several inputs: values and keys of all of them
const several = definePipeline({
  ...{ name: 'x', deadLetter: 'stop' },
  input: { long, short },
  process: (s) => s.pipe(mapValue((value) => (typeof value === 'number' ? value.toFixed() : value.text))),
});
expectTypeOf(several).toEqualTypeOf<Pipeline<z.infer<typeof Review> | number>>();
definePipeline({
  ...{ ...common, deadLetter: topic('dead') },
  input: { long, ofTenants: topic('b', json(z.boolean()), { key: tenantKey }) },
  output: { short },
  process: (s) => {
    expectTypeOf(s).toEqualTypeOf<Observable<Envelope<z.infer<typeof Review> | boolean, string | null | Tenant>>>();
    return s.pipe(
      mapValue(() => 1),
      routeBy(() => 'short'),
    );
  },
});
// @ts-expect-error an input that is no topic
definePipeline({ ...common, input: { long, short: 'short' }, process: (s: Observable<never>) => s });
// @ts-expect-error several outputs, and no routeBy
definePipeline({ ...common, output: { long, short }, process: (s) => s });
definePipeline({
  ...common,
  output: { long, short },
  process: (s) =>
    // @ts-expect-error an operator after routeBy: the route's name is lost
    s.pipe(
      routeBy(() => 'long'),
      mapValue((value) => value),
    ),
});
// a route that is set by hand
definePipeline({ ...common, output: { long, short }, process: (s) => s.pipe(map((e) => e.with(e.value, { route: 'long' }))) });
// @ts-expect-error a name that is no output, by hand
definePipeline({ ...common, output: { long, short }, process: (s) => s.pipe(map((e) => e.with(e.value, { route: 'middle' }))) });
// @ts-expect-error a name that is no output
definePipeline({ ...common, output: { long, short }, process: (s) => s.pipe(routeBy(() => 'middle')) });
// no output: anything may reach the end
definePipeline({ ...common, process: (s) => s.pipe(mapValue(() => Symbol('done'))) });
// a key of one's own
definePipeline({
  ...common,
  input: topic('a', json(Review), { key: tenantKey }),
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
