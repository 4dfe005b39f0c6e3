import { Backoff } from '../flow/backoff.state.ts';

const firstRetryMs = 250;
const longestRetryMs = 2_000; // how late a start may notice that the log is there

/** How long a log that is away is waited for, and when it is asked again. Holds two numbers. */
export class Outage {
  readonly #patienceMs: number;
  readonly #backoff = new Backoff(firstRetryMs, longestRetryMs);
  #sinceMs: number | undefined;

  /** @param patienceMs longest time from the first sign of it; 0: none */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** It does not answer, and was not asked before `askedMs`. What is left of the patience, in ms. */
  silent(nowMs: number, askedMs: number): number {
    this.#sinceMs ??= askedMs;
    return Math.max(0, this.#patienceMs - (nowMs - this.#sinceMs));
  }

  /** It has failed: when to ask again, and what is left of the patience then; undefined when that is over. */
  failed(nowMs: number): { readonly retryInMs: number; readonly leftMs: number } | undefined {
    const leftMs = this.silent(nowMs, nowMs);
    if (leftMs === 0) return undefined;
    return { retryInMs: Math.min(this.#backoff.failed(), leftMs), leftMs };
  }

  /** What is left of the patience of whoever asked at `askedMs`. */
  leftMs(nowMs: number, askedMs: number): number {
    return Math.max(0, this.#patienceMs - (nowMs - (this.#sinceMs ?? askedMs)));
  }
}
