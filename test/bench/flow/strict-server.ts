import { Observable } from 'rxjs';
import { currentScope } from '../../../src/call.ts';
import type { Clock } from '../../../src/clock.ts';
import { OverloadError } from '../../../src/errors.ts';
import type { TokenUsage } from '../../../src/policies/token-budget.ts';

export const limit = 60_000;
export const windowMs = 60_000;

interface Arrival {
  readonly atMs: number;
  readonly tokens: number;
  readonly taken: boolean;
}

/** Refuses with 429 whatever would pass the limit in any window, counted when it arrives. */
export class StrictServer {
  readonly #clock: Clock;
  readonly #arrivals: Arrival[] = [];
  #from = 0;
  #sum = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get refused(): number {
    return this.#arrivals.filter(({ taken }) => !taken).length;
  }

  get answered(): number {
    return this.#arrivals.length;
  }

  /** A call of between 250 and 900 tokens, by its number, that takes between 0.2 and 2 s; it is under way for up to 200 ms. */
  call(number: number): Observable<{ readonly usage: TokenUsage }> {
    const usage = { inputTokens: 200, outputTokens: 50 + ((number * 7919) % 650) };
    const { clock } = currentScope();
    return new Observable((out) => {
      const arrive = (): void => {
        if (!this.#take(usage.inputTokens + usage.outputTokens)) {
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

  #take(tokens: number): boolean {
    const nowMs = this.#clock.nowMs();
    for (let oldest = this.#arrivals[this.#from]; oldest && oldest.atMs <= nowMs - windowMs; oldest = this.#arrivals[this.#from]) {
      if (oldest.taken) this.#sum -= oldest.tokens;
      this.#from += 1;
    }
    const taken = this.#sum + tokens <= limit;
    if (taken) this.#sum += tokens;
    this.#arrivals.push({ atMs: nowMs, tokens, taken });
    return taken;
  }

  used(fromMs: number, toMs: number): number {
    return this.#arrivals.filter(({ atMs, taken }) => taken && atMs >= fromMs && atMs < toMs).reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** The most that was asked for in any window, what was refused included; it begins with one of the calls. */
  mostInAnyWindow(): number {
    let [most, sum, to] = [0, 0, 0];
    for (const first of this.#arrivals) {
      for (let next = this.#arrivals[to]; next && next.atMs < first.atMs + windowMs; next = this.#arrivals[to]) {
        sum += next.tokens;
        to += 1;
      }
      most = Math.max(most, sum);
      sum -= first.tokens;
    }
    return most;
  }
}
