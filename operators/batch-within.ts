import type { OperatorFunction } from 'rxjs';
import { type OptionNames, requireOptions } from '../src/check-options.ts';
import type { CancelTimer, Clock } from '../src/clock.ts';
import { OptionError, requireInteger, requireNumber, requireOneOf } from '../src/errors.ts';
import { type BatchEnvelope, type Envelope, runOf, take, together } from '../src/record/envelope.ts';
import type { Handle } from '../src/record/handle.ts';
import { formatPartition } from '../src/record/record.ts';
import { fail, threw } from './internal/fail.ts';
import type { BatchMember } from './internal/open-batch.ts';
import { OpenBatches } from './internal/open-batches.ts';
import { operate } from './internal/operate.ts';
import { sendDownstream } from './internal/send-downstream.ts';

export interface BatchWithinOptions<T> {
  /** Most values in one batch; 1 to 10,000. */
  readonly maxSize: number;
  /** Longest wait of a batch's first value, in ms; at least 0. @defaultValue 20 */
  readonly maxWaitMs?: number;
  /** Most bytes in one batch, as `bytesOf` counts them; a value above it goes alone. @defaultValue no limit */
  readonly maxBytes?: number;
  /** Bytes of one value; needed with `maxBytes`. */
  readonly bytesOf?: (value: T) => number;
  /** Most tokens in one batch, as `tokensOf` counts them; a value above it goes alone. @defaultValue no limit */
  readonly maxTokens?: number;
  /** Tokens of one value; needed with `maxTokens`. */
  readonly tokensOf?: (value: T) => number;
  /**
   * `'partition'`: only values of records of one input partition come together. For a true n → 1 with exactly-once, where an
   * output must descend from one partition; with `unbatch` there is no need of it. @defaultValue 'pipeline'
   */
  readonly within?: 'pipeline' | 'partition';
  /** Times the wait. @defaultValue the pipeline's clock */
  readonly clock?: Clock;
}

/**
 * Groups values for one call: `batchWithin`, `mapConcurrent`, `unbatch`. A batch leaves when it holds `maxSize` values,
 * `maxBytes` or `maxTokens`, when its first value has waited `maxWaitMs`, or when no other record can come.
 *
 * In envelopes of `T`; out envelopes of `readonly T[]` with 1..maxSize values in arrival order and their `members`.
 * Holds at most `maxSize` values and one timer; within a partition so many for each. A record that is given back or fails at its deadline leaves the batch.
 * Complete: sends the rest first. Error and unsubscribe: leave the rest unsettled, so the runner gives it back.
 *
 * A throw in `bytesOf` or `tokensOf`, or a result that is no number >= 0, fails that record with `project_threw`.
 * @throws OptionError at call time, for an option outside its range or without its partner.
 * @see dynamic batching in Triton (`max_queue_delay_microseconds`); `groupWithin` in fs2.
 */
export function batchWithin<T, K>(options: BatchWithinOptions<T>): OperatorFunction<Envelope<T, K>, BatchEnvelope<T, K>> {
  const { maxWaitMs, clock, within, ...limits } = checked(options);
  return operate((out, guard) => {
    const leave = (ready: readonly BatchMember<T, K>[]): void => {
      const envelopes = ready.map(({ envelope }) => envelope);
      const handles = ready.map(({ handle }) => handle);
      sendDownstream(out, together(envelopes, handles));
    };
    const wait = ({ envelope }: BatchMember<T, K>, flush: () => void): CancelTimer => {
      const run = runOf(envelope);
      const cancelTimer = (clock ?? run.clock).schedule(maxWaitMs, guard(flush));
      const flushIfAlone = (): void => {
        if (batches.nothingMoreCan) batches.flushAll();
      };
      const unlisten = run.open.onChange(guard(flushIfAlone));
      return () => {
        cancelTimer();
        unlisten();
      };
    };
    const batches = new OpenBatches<T, K>({ limits, wait, leave });
    const next = (envelope: Envelope<T, K>): void => {
      const handle = take(envelope);
      if (!handle.part.live) return;
      let one: BatchMember<T, K>;
      try {
        one = memberOf(envelope, handle, options);
      } catch (error) {
        fail(envelope, handle, threw('batchWithin', error));
        return;
      }
      batches.join(within === 'partition' ? formatPartition(envelope.position) : '', one);
    };
    const complete = (): boolean => {
      batches.flushAll();
      return true;
    };
    const teardown = (): void => {
      batches.clear();
    };
    return { next, complete, teardown };
  });
}

function memberOf<T, K>(envelope: Envelope<T, K>, handle: Handle, { bytesOf, tokensOf }: BatchWithinOptions<T>): BatchMember<T, K> {
  const bytes = measured('bytesOf', bytesOf, envelope.value);
  return { envelope, handle, bytes, tokens: measured('tokensOf', tokensOf, envelope.value) };
}

function measured<T>(name: string, measure: ((value: T) => number) | undefined, value: T): number {
  const result = measure?.(value) ?? 0;
  if (!(result >= 0)) throw new TypeError(`${name} must return a number >= 0, got ${String(result)}`);
  return result;
}

const mostSize = 10_000; // the records in flight by default; also what one array of members should hold

const names: OptionNames<BatchWithinOptions<unknown>> = {
  maxSize: true,
  maxWaitMs: true,
  maxBytes: true,
  bytesOf: true,
  maxTokens: true,
  tokensOf: true,
  within: true,
  clock: true,
};

function checked<T>(options: BatchWithinOptions<T>) {
  requireOptions<BatchWithinOptions<T>>('batchWithin', options, names);
  const { maxSize, maxWaitMs = 20, maxBytes, maxTokens, bytesOf, tokensOf, within = 'pipeline', clock } = options;
  requireInteger('batchWithin.maxSize', maxSize, 1, mostSize);
  requireNumber('batchWithin.maxWaitMs', maxWaitMs, 0);
  requireOneOf('batchWithin.within', within, ['pipeline', 'partition']);
  if (maxBytes !== undefined) requireInteger('batchWithin.maxBytes', maxBytes, 1);
  if (maxTokens !== undefined) requireInteger('batchWithin.maxTokens', maxTokens, 1);
  if ((maxBytes === undefined) !== (bytesOf === undefined))
    throw new OptionError('batchWithin.maxBytes and batchWithin.bytesOf belong together: give both or neither');
  if ((maxTokens === undefined) !== (tokensOf === undefined))
    throw new OptionError('batchWithin.maxTokens and batchWithin.tokensOf belong together: give both or neither');
  return { maxSize, maxWaitMs, maxBytes: maxBytes ?? Infinity, maxTokens: maxTokens ?? Infinity, within, clock };
}
