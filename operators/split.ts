import type { OperatorFunction } from 'rxjs';
import { type OptionNames, requireFunction, requireOptions } from '../src/check-options.ts';
import { requireInteger } from '../src/errors.ts';
import { type Envelope, take } from '../src/record/envelope.ts';
import type { Handle } from '../src/record/handle.ts';
import { recordError } from '../src/record/record-error.ts';
import { formatPosition, type Position } from '../src/record/record.ts';
import { emitBranch } from './internal/emit-branch.ts';
import { fail, threw } from './internal/fail.ts';
import { operate } from './internal/operate.ts';

export interface SplitOptions {
  /** Most parts of one record; at least 1. @defaultValue 10,000 */
  readonly maxParts?: number;
}

const names: OptionNames<SplitOptions> = { maxParts: true };

/**
 * Makes several values of one: paragraphs of a document, lines of an order. The record is settled when all its parts
 * are; parts of one record run side by side.
 *
 * In envelopes of `T`; out 0..maxParts envelopes of `U` for each, in order of the iteration. Holds nothing: values are
 * pulled one by one while downstream takes them. A value split into no parts is dropped.
 * Complete, error: passed on at once. Unsubscribe: ends the iteration.
 *
 * A throw in `fn` or in its iterator fails the record with `project_threw`, more than `maxParts` with `too_many_parts`;
 * parts that went out before stay out, and are listed in the dead letter when they are written.
 * @throws OptionError at call time, for an option outside its range.
 */
export function split<T, U, K>(
  fn: (value: T, envelope: Envelope<T, K>) => Iterable<U>,
  options: SplitOptions = {},
): OperatorFunction<Envelope<T, K>, Envelope<U, K>> {
  requireFunction('split', fn, '(value, envelope) => Iterable');
  requireOptions('split', options, names);
  const { maxParts = 10_000 } = options;
  requireInteger('split.maxParts', maxParts, 1);
  return operate((out) => ({
    next: (envelope) => {
      const handle = take(envelope);
      const parts = pull(fn, envelope, handle, maxParts);
      for (const value of parts) {
        emitBranch(out, envelope, handle, { value });
        if (out.closed || !handle.part.live) return; // leaves it open: the runner gives it back
      }
    },
  }));
}

/** Yields the values; whatever ends it but the consumer's leaving ends the part. */
function* pull<T, U, K>(
  fn: (value: T, envelope: Envelope<T, K>) => Iterable<U>,
  envelope: Envelope<T, K>,
  handle: Handle,
  maxParts: number,
): Generator<U, void, undefined> {
  let count = 0;
  try {
    for (const value of fn(envelope.value, envelope)) {
      count += 1;
      if (count > maxParts) {
        fail(envelope, handle, tooMany(maxParts));
        return;
      }
      yield value;
    }
  } catch (error) {
    fail(envelope, handle, threw('split', error));
    return;
  }
  if (count > 0) handle.part.retire();
  else handle.part.settle('dropped', 'split into no parts');
}

const tooMany =
  (maxParts: number) =>
  (position: Position): Error =>
    recordError(
      'too_many_parts',
      `record ${formatPosition(position)} was split into more than ${String(maxParts)} parts: raise maxParts, or split less`,
      position,
    );
