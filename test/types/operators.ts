// What the operators' types must infer in a pipe; compiled, never run.
import { map, type Observable, of } from 'rxjs';
import { expectTypeOf } from 'vitest';
import {
  batchWithin,
  callTimeout,
  drop,
  keepOnly,
  mapConcurrent,
  mapValue,
  retryWithBackoff,
  routeBy,
  split,
  unbatch,
  withinBudget,
  withPermit,
} from '../../operators/index.ts';
import { permits } from '../../src/policies/permits.ts';
import { tokenBudget } from '../../src/policies/token-budget.ts';
import type { BatchEnvelope, Envelope, RoutedEnvelope } from '../../src/record/envelope.ts';
import type { OutputFields } from '../../src/record/output-fields.ts';
import type { OpenedResources } from '../../src/resource.ts';

const routedTo = <N extends string>(routed: Observable<RoutedEnvelope<string, string | null, N>>) => routed;

interface Key {
  readonly tenant: number;
}
interface Review {
  readonly text: string;
  readonly stars?: number;
}
declare const reviews: Observable<Envelope<Review, Key>>;
declare const byString: Observable<Envelope<Review>>;

const resources = { slots: permits(8), budget: tokenBudget({ tokensPerMinute: 60_000 }) };
declare const opened: OpenedResources<typeof resources>;

// values, keys and the call's result are inferred through the whole pipe
const judged = reviews.pipe(
  keepOnly((review) => review.text !== '', 'empty'),
  drop((review) => review.stars === 0 && 'no stars'),
  mapConcurrent(
    (review, ctx) =>
      of({ judgement: 'positive' as const, usage: { totalTokens: ctx.attempt } }).pipe(
        callTimeout({ ms: 30_000 }),
        withPermit(opened.slots),
        withinBudget(opened.budget, { estimate: () => of(review.text.length) }),
        retryWithBackoff({ attempts: 4, initialMs: 250, maxMs: 30_000 }),
        map(({ judgement, usage }) => ({ ...review, judgement, tokens: usage.totalTokens })),
      ),
    { concurrency: 32 },
  ),
);
interface Judged {
  judgement: 'positive';
  tokens: number;
  text: string;
  stars?: number;
}
expectTypeOf(judged).toEqualTypeOf<Observable<Envelope<Judged, Key>>>();

// a resource that is its own value can be shared by hand as well
void of(1).pipe(withPermit(resources.slots), withinBudget(resources.budget, { estimate: () => 1 }));

// a batch, and back
const batches = reviews.pipe(batchWithin({ maxSize: 8, maxBytes: 1000, bytesOf: (review) => review.text.length }));
expectTypeOf(batches).toEqualTypeOf<Observable<BatchEnvelope<Review, Key>>>();
const labelled = batches.pipe(
  mapConcurrent((texts) => of(texts.map(({ text }): number | Error => (text === '' ? new Error('empty') : text.length))), {
    concurrency: 2,
  }),
  unbatch(),
);
expectTypeOf(labelled).toEqualTypeOf<Observable<Envelope<number, Key>>>();

// type guards narrow, parts and routes keep their types, a plain key stays a plain key
const starred = byString.pipe(
  keepOnly((review): review is Required<Review> => review.stars !== undefined),
  mapValue(({ stars }) => stars),
);
expectTypeOf(starred).toEqualTypeOf<Observable<Envelope<number>>>();
const words = byString.pipe(split(({ text }) => text.split(' ')));
expectTypeOf(words).toEqualTypeOf<Observable<Envelope<string>>>();
const routed = words.pipe(routeBy((word) => (word.length > 5 ? 'long' : 'short')));
expectTypeOf(routed).toEqualTypeOf<Observable<RoutedEnvelope<string, string | null, 'long' | 'short'>>>();

// @ts-expect-error a promise is not a cold call: wrap it in call()
mapConcurrent(async (value: string) => Promise.resolve(value.length), { concurrency: 1 });
// @ts-expect-error concurrency must be said
mapConcurrent((value: string) => of(value), {});
// @ts-expect-error results of unbatch come in arrays
void byString.pipe(unbatch());
// @ts-expect-error a reason is a string
void byString.pipe(drop(() => true));
const lengths = byString.pipe(mapValue(({ text }) => text.length));
// @ts-expect-error an envelope of numbers is none of strings
void lengths.pipe(mapValue((value: string) => value));
// @ts-expect-error one of the two names is not among them
void routedTo<'long'>(routed);
void routedTo<'long' | 'short'>(routed);

// a key that is set is the envelope's key from there on
const byLength = byString.pipe(map((envelope) => envelope.with(1, { key: { length: envelope.value.text.length } })));
expectTypeOf(byLength).toEqualTypeOf<Observable<Envelope<number, { length: number }>>>();
void byLength.pipe(mapValue((value, { key }) => value + key.length));
const byText = (flow: Observable<Envelope<number>>) => flow;
// @ts-expect-error the key is a string no more
void byText(byLength);
declare const one: Envelope<string, Key>;
declare const anything: OutputFields;
expectTypeOf(one.with(1, { key: 'k' })).toEqualTypeOf<Envelope<number, string>>();
expectTypeOf(one.with(1, { key: null })).toEqualTypeOf<Envelope<number, null>>();
expectTypeOf(one.with(1, { headers: [] })).toEqualTypeOf<Envelope<number, Key>>();
expectTypeOf(one.with(1)).toEqualTypeOf<Envelope<number, Key>>();
expectTypeOf(one.with(1, anything)).toEqualTypeOf<Envelope<number, unknown>>();
expectTypeOf(one.with(1, { route: 'long' })).toEqualTypeOf<RoutedEnvelope<number, Key, 'long'>>();
expectTypeOf(one.with(1, { route: 'long', key: 7 })).toEqualTypeOf<RoutedEnvelope<number, number, 'long'>>();
// @ts-expect-error no such field
void one.with(1, { kye: 'k' });
// @ts-expect-error nor beside one that there is
void one.with(1, { key: 'k', heders: [] });
