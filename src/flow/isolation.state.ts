import { Fifo } from '../fifo.ts';
import { Backoff } from './backoff.state.ts';

/** A stream that ended before it should. */
export interface EndOfStream<T> {
  /** What may have ended it, in the order it was emitted: those that were being emitted at that moment, if any were, or else all in it. */
  readonly suspects: readonly T[];
  /** Whether they were being emitted: nothing but them has ended it, or what others left behind. */
  readonly isCaught: boolean;
  readonly nowMs: number;
}

/** What to do after a pipeline's stream has ended before it should. */
export interface AfterEnd<T> {
  /** Start the stream again after this long, in ms. */
  readonly restartInMs: number;
  /** Then let it run without any record for this long, in ms, and call `trialPassed` if it has not ended by then; 0: no trial. */
  readonly trialMs: number;
  /** The record that ended the stream again, as the only one that was ever in it. */
  readonly culprit: T | undefined;
  /** The stream ends without any record: starting it again is no use any more. */
  readonly hopeless: boolean;
}

const patience = 5; // ends in a row with no record in flight and none finished in between
const [shortestTrialMs, longestTrialMs] = [100, 30_000];

/**
 * Finds the record that ends a stream. Suspects run one at a time; a record that ends a stream in which nothing ran before it
 * is the culprit if it was being emitted at that moment. If not, something else in the stream may end it, whatever record is
 * there: it runs without any, for twice as long, and the record is the culprit only if that goes well and it ends the stream
 * once more. One that ends it behind others only goes first next time: what they left in the operators may have ended it.
 * Holds the suspects, which are in flight anyway.
 */
export class Isolation<T> {
  readonly #suspects = new Fifo<T>();
  readonly #backoff = new Backoff(100, 10_000);
  #alone: T | undefined;
  #aloneSinceMs = 0;
  /** Nothing has run since the stream began. */
  #fresh = false;
  /** Nothing ran before the one that runs alone. */
  #first = false;
  /** The stream runs without records, for the sake of this one. */
  #onTrial: T | undefined;
  /** The stream went well without records: if this one ends it again, it is to blame. */
  #tried: T | undefined;

  /** Whether suspects wait or run: nothing else may run then. */
  get active(): boolean {
    return this.#alone !== undefined || this.#suspects.size > 0;
  }

  ended({ suspects, isCaught, nowMs }: EndOfStream<T>): AfterEnd<T> {
    const alone = this.#alone !== undefined && this.#first && suspects.includes(this.#alone) ? this.#alone : undefined;
    const culprit = isCaught || alone === this.#tried ? alone : undefined;
    if (alone !== undefined) this.#onTrial = culprit === undefined ? alone : undefined;
    this.#tried = undefined;
    this.#fresh = true;
    this.#alone = undefined;
    const earlier = this.#suspects.drain();
    for (const suspect of [...suspects, ...earlier]) if (suspect !== culprit) this.#suspects.push(suspect);
    const trialMs = this.#onTrial === undefined ? 0 : Math.min(Math.max(2 * (nowMs - this.#aloneSinceMs), shortestTrialMs), longestTrialMs);
    if (suspects.length > 0) {
      if (trialMs === 0) this.#backoff.succeeded();
      return { restartInMs: 0, trialMs, culprit, hopeless: false };
    }
    const restartInMs = this.#backoff.failed();
    return { restartInMs, trialMs, culprit: undefined, hopeless: this.#backoff.failures >= patience };
  }

  /** The stream has not ended without a record. */
  trialPassed(): void {
    this.#tried = this.#onTrial;
    this.#onTrial = undefined;
  }

  /** The next suspect to run, when none runs. */
  next(nowMs: number): T | undefined {
    if (this.#alone !== undefined || this.#onTrial !== undefined) return undefined;
    this.#alone = this.#suspects.shift();
    this.#aloneSinceMs = nowMs;
    this.#first = this.#fresh;
    this.#fresh = false;
    return this.#alone;
  }

  /** A record left the stream as it should. */
  through(item: T): void {
    this.#backoff.succeeded();
    if (this.#alone === item) this.#alone = undefined;
  }

  /** Takes out what `gone` names. */
  forget(gone: (item: T) => boolean): void {
    for (const suspect of this.#suspects.drain()) if (!gone(suspect)) this.#suspects.push(suspect);
    if (this.#alone !== undefined && gone(this.#alone)) this.#alone = undefined;
    if (this.#onTrial !== undefined && gone(this.#onTrial)) this.#onTrial = undefined;
  }
}
