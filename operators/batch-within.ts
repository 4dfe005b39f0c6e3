import type { OperatorFunction } from 'rxjs';
import type { CancelTimer, Clock } from '../src/clock.ts';
import { OptionError, requireInteger, requireNumber } from '../src/errors.ts';
import { type BatchEnvelope, type Envelope, runOf, take, together } from '../src/record/envelope.ts';
import type { Handle } from '../src/record/lineage.ts';
import { fail, threw } from './internal/fail.ts';
import { operate } from './internal/operate.ts';

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
  /** Times the wait. @defaultValue the pipeline's clock */
  readonly clock?: Clock;
}

interface Waiting<T, K> {
  readonly envelope: Envelope<T, K>;
  readonly handle: Handle;
  readonly bytes: number;
  readonly tokens: number;
}

/**
 * Groups values for one call: `batchWithin`, `mapConcurrent`, `unbatch`. A batch leaves when it holds `maxSize` values,
 * `maxBytes` or `maxTokens`, when its first value has waited `maxWaitMs`, or when no other record can come.
 *
 * In envelopes of `T`; out envelopes of `readonly T[]` with 1..maxSize values in arrival order and their `members`.
 * Holds at most `maxSize` values and one timer. A record that is given back or fails at its deadline leaves the batch.
 * Complete: sends the rest first. Error and unsubscribe: leave the rest unsettled, so the runner gives it back.
 *
 * A throw in `bytesOf` or `tokensOf`, or a result that is no number >= 0, fails that record with `project_threw`.
 * @throws OptionError at call time, for an option outside its range or without its partner.
 * @see dynamic batching in Triton (`max_queue_delay_microseconds`); `groupWithin` in fs2.
 */
export function batchWithin<T, K>(options: BatchWithinOptions<T>): OperatorFunction<Envelope<T, K>, BatchEnvelope<T, K>> {
  const { maxSize, maxWaitMs, maxBytes, maxTokens, bytesOf, tokensOf, clock } = checked(options);
  return operate((out, guard) => {
    let batch: Waiting<T, K>[] = [];
    let bytes = 0;
    let tokens = 0;
    let stopWaiting: CancelTimer | undefined;
    const isFull = (): boolean => batch.length >= maxSize || bytes >= maxBytes || tokens >= maxTokens;
    const keepLive = (): void => {
      batch = batch.filter(({ handle }) => handle.part.live);
      bytes = sum(batch, 'bytes');
      tokens = sum(batch, 'tokens');
      if (batch.length === 0) stop();
    };
    const stop = (): void => {
      stopWaiting?.();
      stopWaiting = undefined;
    };
    const flush = (): void => {
      keepLive();
      const ready = batch;
      batch = []; // before next(): a synchronous consumer may push into us again
      bytes = tokens = 0;
      stop();
      if (ready.length > 0)
        out.next(
          together(
            ready.map(({ envelope }) => envelope),
            ready.map(({ handle }) => handle),
          ),
        );
    };
    const startWaiting = (envelope: Envelope<T, K>): void => {
      const run = runOf(envelope);
      const cancelTimer = (clock ?? run.clock).schedule(maxWaitMs, guard(flush));
      const unlisten = run.open.onChange(
        guard(() => {
          if (nothingMoreCan()) flush();
        }),
      );
      stopWaiting = () => {
        cancelTimer();
        unlisten();
      };
    };
    const nothingMoreCan = (): boolean => {
      const [first] = batch;
      if (!first) return false;
      const depth = batch.reduce((most, { handle }) => Math.max(most, handle.part.depth), 0);
      const claims = batch.reduce((all, { handle }) => all + handle.part.claims, 0);
      return runOf(first.envelope).open.nothingMoreCan(claims, depth);
    };
    const next = (envelope: Envelope<T, K>): void => {
      const handle = take(envelope);
      if (!handle.part.live) return;
      let one: Waiting<T, K>;
      try {
        one = {
          envelope,
          handle,
          bytes: measured('bytesOf', bytesOf, envelope.value),
          tokens: measured('tokensOf', tokensOf, envelope.value),
        };
      } catch (error) {
        fail(envelope, handle, threw('batchWithin', error));
        return;
      }
      const overflows = (): boolean => batch.length > 0 && (bytes + one.bytes > maxBytes || tokens + one.tokens > maxTokens);
      if (overflows()) keepLive();
      if (overflows()) flush();
      handle.part.at('queued');
      batch.push(one);
      bytes += one.bytes;
      tokens += one.tokens;
      if (isFull()) keepLive();
      if (isFull()) flush();
      else if (batch.length > 0 && !stopWaiting) startWaiting(envelope);
    };
    return {
      next,
      complete: () => {
        flush();
        return true;
      },
      teardown: stop,
    };
  });
}

const sum = (batch: readonly { readonly bytes: number; readonly tokens: number }[], field: 'bytes' | 'tokens'): number =>
  batch.reduce((total, one) => total + one[field], 0);

function measured<T>(name: string, measure: ((value: T) => number) | undefined, value: T): number {
  const result = measure?.(value) ?? 0;
  if (!(result >= 0)) throw new TypeError(`${name} must return a number >= 0, got ${String(result)}`);
  return result;
}

const mostSize = 10_000; // the records in flight by default; also what one array of members should hold

function checked<T>(options: BatchWithinOptions<T>) {
  const { maxSize, maxWaitMs = 20, maxBytes, maxTokens, bytesOf, tokensOf, clock } = options;
  requireInteger('batchWithin.maxSize', maxSize, 1, mostSize);
  requireNumber('batchWithin.maxWaitMs', maxWaitMs, 0);
  if (maxBytes !== undefined) requireInteger('batchWithin.maxBytes', maxBytes, 1);
  if (maxTokens !== undefined) requireInteger('batchWithin.maxTokens', maxTokens, 1);
  if ((maxBytes === undefined) !== (bytesOf === undefined))
    throw new OptionError('batchWithin.maxBytes and batchWithin.bytesOf belong together: give both or neither');
  if ((maxTokens === undefined) !== (tokensOf === undefined))
    throw new OptionError('batchWithin.maxTokens and batchWithin.tokensOf belong together: give both or neither');
  return { maxSize, maxWaitMs, maxBytes: maxBytes ?? Infinity, maxTokens: maxTokens ?? Infinity, bytesOf, tokensOf, clock };
}
