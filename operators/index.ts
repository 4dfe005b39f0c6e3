// Operators on the stream of envelopes.
export { batchDynamic, type BatchDynamicOptions } from './batch-dynamic.ts';
export { batchWithin, type BatchWithinOptions } from './batch-within.ts';
export type { LengthBucket } from './internal/length-buckets.ts';
export { bisectOnError, type BisectOnErrorOptions } from './bisect-on-error.ts';
export { drop, type DropReason } from './drop.ts';
export { keepOnly } from './keep-only.ts';
export { mapConcurrent, type MapConcurrentOptions } from './map-concurrent.ts';
export { mapValue } from './map-value.ts';
export { routeBy } from './route-by.ts';
export { setContext } from './set-context.ts';
export { slidingWindow, type SlidingWindowOptions } from './sliding-window.ts';
export { split, type SplitOptions } from './split.ts';
export { unbatch } from './unbatch.ts';
// Operators on one cold call.
export { cachedBy } from './cached-by.ts';
export { callTimeout, type CallTimeoutOptions } from './call-timeout.ts';
export { hedge, type HedgeOptions } from './hedge.ts';
export { fallbackTo, type FallbackToOptions } from './fallback-to.ts';
export { journaled, type JournaledOptions } from './journaled.ts';
export type { Restart } from './internal/retry-loop.ts';
export { retryWithBackoff, type RetryWithBackoffOptions } from './retry-with-backoff.ts';
export { withBreaker } from './with-breaker.ts';
export { withGate } from './with-gate.ts';
export { withPermit } from './with-permit.ts';
export { withinBudget, type WithinBudgetOptions } from './within-budget.ts';
export { withinRate } from './within-rate.ts';
