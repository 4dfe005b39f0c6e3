import { Observable } from 'rxjs';
import type { CancelTimer, Clock } from '../../clock.ts';

/** What to emit, each piece so long after the one before; then how it ends. */
export interface Play<T> {
  readonly pieces: readonly { readonly afterMs: number; readonly value: T }[];
  /** `'hang'` never ends. */
  readonly end: 'complete' | 'hang' | Error;
  /** Between the last piece and the end. */
  readonly endAfterMs: number;
}

/** Plays it by the clock; never emits while it is subscribed to. Unsubscribing takes the timer back. */
export function play<T>({ pieces, end, endAfterMs }: Play<T>, clock: Clock): Observable<T> {
  return new Observable<T>((out) => {
    let cancel: CancelTimer | undefined;
    const after = (delayMs: number, run: () => void): void => {
      if (delayMs > 0) cancel = clock.schedule(delayMs, run);
      else queueMicrotask(run); // no timer for no time: a machine's timer takes a millisecond at least
    };
    const step = (index: number): void => {
      const piece = pieces[index];
      if (piece !== undefined) {
        after(piece.afterMs, () => {
          out.next(piece.value);
          if (!out.closed) step(index + 1);
        });
        return;
      }
      if (end === 'hang') return;
      after(endAfterMs, () => {
        if (end === 'complete') out.complete();
        else out.error(end);
      });
    };
    step(0);
    return () => {
      cancel?.();
    };
  });
}
