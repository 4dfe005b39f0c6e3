import { Observable } from 'rxjs';
import { currentScope } from '../../../src/call.ts';
import type { Clock } from '../../../src/clock.ts';
import { OverloadError } from '../../../src/errors.ts';
import type { TokenUsage } from '../../../src/policies/token-budget.ts';
import { StrictWindow } from './strict-window.ts';

export const limit = 60_000;
export const windowMs = 60_000;

/** Refuses with 429 whatever would pass the limit in any window, counted when it arrives. */
export class StrictServer {
  readonly window = new StrictWindow(limit, windowMs);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A call of between 250 and 900 tokens, by its number, that takes between 0.2 and 2 s; it is under way for up to 200 ms. */
  call(number: number): Observable<{ readonly usage: TokenUsage }> {
    const usage = { inputTokens: 200, outputTokens: 50 + ((number * 7919) % 650) };
    const { clock } = currentScope();
    return new Observable((out) => {
      const arrive = (): void => {
        if (!this.window.take(usage.inputTokens + usage.outputTokens, this.#clock.nowMs())) {
          out.error(new OverloadError('429', { status: 429, retryAfterMs: 1_000 }));
          return;
        }
        cancel = clock.schedule(200 + ((number * 104_729) % 1_800), () => {
          out.next({ usage });
          out.complete();
        });
      };
      let cancel = clock.schedule((number * 31) % 200, arrive);
      return () => cancel();
    });
  }
}
