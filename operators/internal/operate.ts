import { isReuse } from '../../src/record/envelope.ts';
import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { whileWanted } from '../../src/policies/internal/while-wanted.ts';

export { whileWanted };

/** What one subscription does with its source's signals. An error is always passed on. */
export interface Handlers<T> {
  readonly next: (value: T) => void;
  /** Runs before the result completes, e.g. to flush. Returns false to complete `out` itself, later. */
  readonly complete?: () => boolean;
  /** Runs once, on complete, error or unsubscribe. */
  readonly teardown?: () => void;
}

/** Makes a callback whose throw becomes an error of the stream: for timers and listeners. */
export type Guard = (step: () => void) => () => void;

/**
 * Makes an operator from per-subscription handlers, and owns three rules a bare `new Observable` forgets: a synchronous
 * source stops when downstream leaves; a handler that throws becomes an error of the stream; teardown runs once.
 */
export function operate<T, R>(setUp: (out: Subscriber<R>, guard: Guard) => Handlers<T>): OperatorFunction<T, R> {
  return (source) =>
    new Observable<R>((out) => {
      const guard: Guard = (step) => () => {
        try {
          step();
        } catch (error) {
          out.error(error);
        }
      };
      const { next, complete, teardown } = setUp(out, guard);
      if (teardown) out.add(teardown);
      out.add(
        whileWanted(source, out).subscribe({
          // no closure here: this runs for every value
          next: (value) => {
            try {
              next(value);
            } catch (error) {
              if (!isReuse(error)) out.error(error); // else its record has failed, and the others go on
            }
          },
          error: (error: unknown) => {
            out.error(error);
          },
          complete: guard(() => {
            if (out.closed) return; // takeWhile completed because downstream left
            if (complete?.() ?? true) out.complete();
          }),
        }),
      );
    });
}
