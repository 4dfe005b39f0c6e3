/** Bounds of a supervised connection. */
export interface SupervisorLimits {
  /** Consecutive failed starts after which it is given up. */
  readonly maxRestarts: number;
  /** Silence after which a client that says nothing is taken for hung. */
  readonly hangMs: number;
}

const firstRetryMs = 250;
const longestRetryMs = 10_000;
const stableMs = 30_000; // one that breaks sooner than this after a start has not recovered
const quietMs = 3_000; // silence that is worth a word: fetches answer every 100 ms
const lateMs = 1_000; // a check that comes later than this was kept from running, as the client was

export type Vital = 'ok' | 'quiet' | 'hung';

/** When a client that broke is started again, and whether one that is silent still lives. Holds five numbers. */
export class SupervisorState {
  readonly #limits: SupervisorLimits;
  #failures = 0;
  #startedMs: number | undefined;
  #signMs = 0;
  #checkedMs = 0;

  constructor(limits: SupervisorLimits) {
    this.#limits = limits;
  }

  /** A start is tried: it is given as long as one that runs until it is taken for hung. */
  starting(nowMs: number): void {
    this.#signMs = nowMs;
    this.#checkedMs = nowMs;
  }

  /** The start succeeded. */
  started(nowMs: number): void {
    this.#startedMs = nowMs;
    this.starting(nowMs);
  }

  /** After a failure: the wait before the next start (doubling, plus up to a quarter by `random` in 0..1), or the end. */
  failed(nowMs: number, random: number): { readonly retryInMs: number } | 'give-up' {
    const wasStable = this.#startedMs !== undefined && nowMs - this.#startedMs >= stableMs;
    this.#failures = wasStable ? 1 : this.#failures + 1;
    this.#startedMs = undefined;
    if (this.#failures > this.#limits.maxRestarts) return 'give-up';
    const waitMs = Math.min(longestRetryMs, firstRetryMs * 2 ** (this.#failures - 1));
    return { retryInMs: waitMs * (1 + random / 4) };
  }

  /** The client said something. */
  sign(nowMs: number): void {
    this.#signMs = nowMs;
  }

  /** Asked every `everyMs`. Time in which this process stood still counts for nobody. */
  check(nowMs: number, everyMs: number): Vital {
    const late = nowMs - this.#checkedMs - everyMs;
    if (late > lateMs) this.#signMs += late;
    this.#checkedMs = nowMs;
    const silentMs = nowMs - this.#signMs;
    if (silentMs >= this.#limits.hangMs) return 'hung';
    return silentMs >= quietMs ? 'quiet' : 'ok';
  }
}
