import type { OperatorFunction } from 'rxjs';
import { type OptionNames, requireFunction, requireOptions } from '../src/check-options.ts';
import type { Clock } from '../src/clock.ts';
import { OptionError, requireInteger, requireNumber, requireOneOf } from '../src/errors.ts';
import type { AdaptiveSize } from '../src/policies/adaptive.ts';
import { type BatchEnvelope, type Envelope, take } from '../src/record/envelope.ts';
import { sizingOf } from './internal/batch-size.ts';
import { DynamicQueue } from './internal/dynamic-queue.ts';
import { fail, threw } from './internal/fail.ts';
import { bucketingOf, type LengthBucket, powersOfTwo } from './internal/length-buckets.ts';
import { measured } from './internal/measured.ts';
import { operate } from './internal/operate.ts';

export interface BatchDynamicOptions<T> {
  /** Most values in one batch, 1 to 10,000; with `adaptive({ targetLatencyMs })` as many as their call has time for. */
  readonly maxSize: number | AdaptiveSize;
  /** Sizes at which a batch leaves without further wait, ascending, each from 1 to 10,000. @defaultValue none */
  readonly preferredSizes?: readonly number[];
  /** Longest wait of a value for company while a call could begin, in ms; at least 0. @defaultValue 20 */
  readonly maxQueueDelayMs?: number;
  /** Length of a value, as padding counts it: tokens, characters, pixels. Values of like length come together. @defaultValue all do */
  readonly lengthOf?: (value: T) => number;
  /** Which lengths are alike, ascending; a value above the last goes alone. Needs `lengthOf`. @defaultValue powers of two, from 16 */
  readonly buckets?: readonly LengthBucket[];
  /** `'partition'`: only values of records of one input partition come together; see `batchWithin`. @defaultValue 'pipeline' */
  readonly within?: 'pipeline' | 'partition';
  /** Times the wait. @defaultValue the pipeline's clock */
  readonly clock?: Clock;
}

/**
 * Groups values for one call as the calls go: where one could begin, a batch leaves at a preferred size or after a short
 * wait; while all are busy, it grows. So batches are small and quick under light load, and full under heavy load; and with
 * `lengthOf` their members are alike, so that little of a call is padding.
 *
 * In envelopes of `T`; out envelopes of `readonly T[]` with 1..maxSize values, in arrival order within a bucket, and their
 * `members`. A batch leaves at once when it holds `maxSize` values. When none that left before waits for its call (in the
 * queue of `mapConcurrent`) it leaves, the longest waiting first: at the largest of `preferredSizes` that it holds; when its
 * first value has waited `maxQueueDelayMs`; when no other record can come.
 *
 * Holds at most `maxSize` values a bucket, and one timer; with `within: 'partition'` so many for each partition. A value is
 * handled in constant time; that a call begins, in one look at each bucket with values in it.
 * A record that is given back or fails at its deadline leaves the batch.
 * Complete: sends the rest first. Error and unsubscribe: leave the rest unsettled, so the runner gives it back.
 *
 * A throw in `lengthOf`, or a result that is no number >= 0, fails that record with `project_threw`.
 * @throws OptionError at call time, for an option outside its range or without its partner.
 * @see the dynamic batcher of Triton (`preferred_batch_size`, `max_queue_delay_microseconds`); `bucket_by_sequence_length` of TensorFlow.
 */
export function batchDynamic<T, K>(options: BatchDynamicOptions<T>): OperatorFunction<Envelope<T, K>, BatchEnvelope<T, K>> {
  const { bucketOf, ...rest } = checked(options);
  return operate((out, guard) => {
    const queue = new DynamicQueue<T, K>({ ...rest, out, guard });
    const next = (envelope: Envelope<T, K>): void => {
      const handle = take(envelope);
      if (!handle.part.live) return;
      let bucket: LengthBucket;
      try {
        bucket = bucketOf(measured('lengthOf', options.lengthOf, envelope.value));
      } catch (error) {
        fail(envelope, handle, threw('batchDynamic', error));
        return;
      }
      queue.join(bucket, { envelope, handle });
    };
    return {
      next,
      complete: () => {
        queue.flush();
        return true;
      },
      teardown: () => {
        queue.clear();
      },
    };
  });
}

const names: OptionNames<BatchDynamicOptions<unknown>> = {
  maxSize: true,
  preferredSizes: true,
  maxQueueDelayMs: true,
  lengthOf: true,
  buckets: true,
  within: true,
  clock: true,
};

function checked<T>(options: BatchDynamicOptions<T>) {
  requireOptions<BatchDynamicOptions<T>>('batchDynamic', options, names);
  const { maxSize, preferredSizes = [], maxQueueDelayMs = 20, lengthOf, buckets, within = 'pipeline', clock } = options;
  const size = sizingOf('batchDynamic.maxSize', maxSize);
  let before = 0;
  for (const [i, preferred] of preferredSizes.entries()) {
    requireInteger(`batchDynamic.preferredSizes[${String(i)}]`, preferred, before + 1, size.max);
    before = preferred;
  }
  requireNumber('batchDynamic.maxQueueDelayMs', maxQueueDelayMs, 0);
  requireOneOf('batchDynamic.within', within, ['pipeline', 'partition']);
  if (lengthOf !== undefined) requireFunction('batchDynamic.lengthOf', lengthOf, '(value) => number');
  else if (buckets !== undefined) throw new OptionError('batchDynamic.buckets are of lengths: give lengthOf, too');
  const bucketOf = buckets ? bucketingOf('batchDynamic.buckets', buckets) : powersOfTwo;
  return { size, preferredSizes, maxQueueDelayMs, bucketOf, within, clock };
}
