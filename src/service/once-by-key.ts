import type { Clock } from '../clock.ts';
import { RequestError } from './openai/api-error.ts';

const keptMs = 600_000;
const mostKept = 10_000;
const mostWeight = 100_000;

interface Kept {
  readonly atMs: number;
  readonly digest: string;
  readonly result: Promise<unknown>;
  /** 0 while it is under way. It may go before its end: then its room is nobody's. */
  weight: number;
}

/**
 * Does what is asked for under a key once: who asks again gets what the first was given, waiting for it where it is under way. What failed is forgotten, and done again.
 * Holds results for 10 minutes, 10,000 at most, of 100,000 in weight: the oldest go first.
 */
export class OnceByKey {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  #weight = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * `digest` tells one request from another, `weigh` how much of the room its result takes.
   * @throws RequestError where the key was given with another request.
   */
  async do<T>(key: string, digest: string, work: () => Promise<T>, weigh: (result: T) => number): Promise<T> {
    this.#tidy();
    const known = this.#kept.get(key);
    if (known !== undefined) {
      if (known.digest === digest) return known.result as Promise<T>;
      throw new RequestError('this idempotency key was given with other records: take a new one for them', {
        ...{ status: 422, param: 'Idempotency-Key', code: 'idempotency_key_reused' },
      });
    }
    const result = work();
    const kept: Kept = { atMs: this.#clock.nowMs(), digest, result, weight: 0 };
    this.#kept.set(key, kept);
    try {
      const done = await result;
      if (this.#kept.get(key) === kept) {
        kept.weight = weigh(done);
        this.#weight += kept.weight;
      }
      return done;
    } catch (error) {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
      throw error;
    }
  }

  #tidy(): void {
    const oldestMs = this.#clock.nowMs() - keptMs;
    for (const [key, { atMs, weight }] of this.#kept) {
      if (atMs > oldestMs && this.#kept.size < mostKept && this.#weight <= mostWeight) return;
      this.#kept.delete(key);
      this.#weight -= weight;
    }
  }
}
