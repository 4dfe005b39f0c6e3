import { catchError, defer, type MonoTypeOperatorFunction, tap } from 'rxjs';
import { type CircuitBreaker, isStreamError } from 'millrace';
import { withBreaker } from 'millrace/operators';

/** Who opens a breaker has mostly met the first moments of an outage. */
const mostForgiven = 1;

/**
 * `withBreaker` around each attempt of one task. There a failure behind an open breaker is no attempt, however often it comes; here that
 * holds for a service that is away or asks for less. A failure that is an answer (a 500) or comes of the task (a time-out) may be the task's own: once it is
 * forgiven, then it is an attempt. Else as many tasks as there are workers, each of which always fails so, would hold all places for ever, and nothing else would be tried.
 *
 * On one cold call, made anew for each task; holds what the attempt failed with.
 */
export function behindBreaker<T>(breaker: CircuitBreaker): MonoTypeOperatorFunction<T> {
  let forgiven = 0;
  return (source) =>
    defer(() => {
      let own: { readonly fault: unknown } | undefined; // stays undefined where the call only waited, and another takes it over
      return source.pipe(
        tap({
          error: (fault: unknown) => {
            own = { fault };
          },
        }),
        withBreaker(breaker),
        catchError((error: unknown) => {
          if (!own || error === own.fault || isOfService(own.fault)) throw error;
          const { fault } = own;
          const isForgiven = forgiven < mostForgiven;
          forgiven += 1;
          throw isForgiven ? error : fault;
        }),
      );
    });
}

/** Nobody is there, a proxy in front of nobody answers, or it asks for less. */
function isOfService(error: unknown): boolean {
  if (!isStreamError(error)) return false;
  return error.code === 'model_unavailable' || error.code === 'overloaded' || error.status === 502 || error.status === 504;
}
