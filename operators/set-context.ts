import type { OperatorFunction } from 'rxjs';
import { requireFunction } from '../src/check-options.ts';
import { type Envelope, take } from '../src/record/envelope.ts';
import { type ContextChange, contextProblem } from '../src/record/record-context.ts';
import { fail, threw } from './internal/fail.ts';
import { operate } from './internal/operate.ts';

/**
 * Sets fields of each record's context by code: deadline, request id, identity, tenant, priority, trace. From here on calls go with
 * them, and outputs and dead letters carry them; use it where producers do not send the headers, or must not be believed.
 *
 * In envelopes of `T`; out the same, as many and in the same order, with what `fn` says over what they had; undefined takes a field
 * away. Of a batch or merge it is the context of the one call, and dead letters keep those of their own records. Holds nothing.
 * Complete, error, unsubscribe: passed on at once.
 *
 * A throw in `fn`, or a value that does not fit its field, fails that record with `project_threw`; the stream goes on.
 * @see baggage and trace context of OpenTelemetry; metadata and deadlines of gRPC.
 */
export function setContext<T, K>(
  fn: (value: T, envelope: Envelope<T, K>) => ContextChange,
): OperatorFunction<Envelope<T, K>, Envelope<T, K>> {
  requireFunction('setContext', fn, '(value, envelope) => context');
  return operate((out) => ({
    next: (envelope) => {
      let context: ContextChange;
      try {
        context = fn(envelope.value, envelope);
        const problem = contextProblem(context);
        if (problem !== undefined) throw new TypeError(problem);
      } catch (error) {
        fail(envelope, take(envelope), threw('setContext', error));
        return;
      }
      out.next(envelope.with(envelope.value, { context }));
    },
  }));
}
