import { Observable, Subscription } from 'rxjs';
import { currentScope, inScope, scopeWith } from '../../call.ts';
import { whileWanted } from './while-wanted.ts';

export interface Hedging {
  /** How long the first attempt has for its first value, in ms; undefined: for ever. */
  readonly afterMs: number | undefined;
  /** Asked when that is over: whether there is to be a second attempt. */
  readonly may: (nowMs: number) => boolean;
}

/** An attempt, and a second one beside it where the first is slow to begin; the one that answers first is taken, the other aborted. */
export const hedged = <T>(attempt: Observable<T>, { afterMs, may }: Hedging): Observable<T> =>
  new Observable<T>((out) => {
    const scope = currentScope();
    const { clock } = scope;
    const attempts = new Set<Subscription>();
    let answering: Subscription | undefined;

    const win = (one: Subscription): void => {
      if (answering) return;
      answering = one;
      cancel?.();
      for (const other of attempts) if (other !== one) other.unsubscribe();
    };
    const begin = (): void => {
      const one = new Subscription();
      attempts.add(one);
      out.add(one);
      const isBeaten = (): boolean => (answering !== undefined && answering !== one) || scope.isBeaten();
      inScope(scopeWith(scope, { isBeaten }), () => {
        one.add(
          whileWanted(attempt, one).subscribe({
            next: (value) => {
              win(one);
              out.next(value);
            },
            error: (error: unknown) => {
              one.unsubscribe(); // first: what it held must be free for whoever comes next
              attempts.delete(one);
              if (!answering && attempts.size > 0) return;
              cancel?.();
              out.error(error);
            },
            complete: () => {
              if (one.closed) return; // it was aborted
              win(one);
              out.complete();
            },
          }),
        );
      });
    };
    const cancel =
      afterMs === undefined
        ? undefined
        : clock.schedule(afterMs, () => {
            if (may(clock.nowMs())) begin();
          });
    out.add(cancel);
    begin();
  });
