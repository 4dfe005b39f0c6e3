import type { OperatorFunction } from 'rxjs';
import { type Envelope, membersOf, resumeMember, take } from '../src/record/envelope.ts';
import { recordError } from '../src/record/record-error.ts';
import { formatPosition, type Position } from '../src/record/record.ts';
import { fail } from './internal/fail.ts';
import { operate } from './internal/operate.ts';
import { sendDownstream } from './internal/send-downstream.ts';

/**
 * Takes a batch of `batchWithin` apart again: the values are the results of its members, one each and in their order.
 * A member whose result is an `Error` fails with it, the others go on.
 *
 * In batches of `(R | Error)[]`; out one envelope of `R` for each member with a result, in order, with the member's own
 * key, headers and position. Holds nothing. Complete, error, unsubscribe: passed on at once; members that did not get
 * out stay unsettled.
 *
 * Another number of values than members, or an envelope that is no batch, fails all of it with `batch_size_mismatch`:
 * which result belongs to whom cannot be told.
 */
export function unbatch<V, K>(): OperatorFunction<Envelope<readonly V[], K>, Envelope<Exclude<V, Error>, K>> {
  return operate((out) => ({
    next: (batch) => {
      const handle = take(batch);
      const members = membersOf(batch, handle);
      const { value: results } = batch;
      if (!members || !Array.isArray(results) || results.length !== members.length) {
        fail(batch, handle, mismatch(members?.length, results));
        return;
      }
      for (const [i, [member, own]] of members.entries()) {
        if (out.closed) return; // leaves the rest open: the runner gives it back
        if (!own.part.live) continue;
        const result = results[i] as V;
        if (result instanceof Error) fail(member, own, () => result);
        else sendDownstream(out, resumeMember(member as Envelope<unknown, K>, batch, own, result as Exclude<V, Error>));
      }
    },
  }));
}

const mismatch =
  (expected: number | undefined, results: unknown) =>
  (position: Position): Error => {
    const got = Array.isArray(results) ? `${String(results.length)} results` : `a value of type ${typeof results}`;
    const why =
      expected === undefined
        ? 'unbatch needs what batchWithin made; to make several values of one use split'
        : `a call for a batch of ${String(expected)} must return ${String(expected)} results in their order, got ${got}`;
    return recordError('batch_size_mismatch', `record ${formatPosition(position)}: ${why}`, position);
  };
