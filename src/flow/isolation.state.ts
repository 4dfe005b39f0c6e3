import { Fifo } from '../fifo.ts';
import { Backoff } from './backoff.state.ts';

/** What to do after a pipeline's stream has ended before it should. */
export interface AfterEnd<T> {
  /** Start the stream again after this long, in ms. */
  readonly restartInMs: number;
  /** The record that ended the stream again, as the only one that was ever in it. */
  readonly culprit: T | undefined;
  /** The stream ends without any record: starting it again is no use any more. */
  readonly hopeless: boolean;
}

const patience = 5; // ends in a row with no record in flight and none finished in between

/**
 * Finds the record that ends a stream. What was in flight when it ended is suspect and runs one at a time; a record that
 * ends a stream in which nothing ran before it is the culprit. One that ends it behind others only goes first next time:
 * what they left in the operators may have ended it. Holds the suspects, which are in flight anyway.
 */
export class Isolation<T> {
  readonly #suspects = new Fifo<T>();
  readonly #backoff = new Backoff(100, 10_000);
  #alone: T | undefined;
  /** Nothing has run since the stream began. */
  #fresh = false;
  /** Nothing ran before the one that runs alone. */
  #first = false;

  /** Whether suspects wait or run: nothing else may run then. */
  get active(): boolean {
    return this.#alone !== undefined || this.#suspects.size > 0;
  }

  /** @param unfinished what was in the stream when it ended, in the order it was emitted. */
  ended(unfinished: readonly T[]): AfterEnd<T> {
    const culprit = this.#alone !== undefined && this.#first && unfinished.includes(this.#alone) ? this.#alone : undefined;
    this.#fresh = true;
    this.#alone = undefined;
    const earlier = this.#suspects.drain();
    for (const suspect of [...unfinished, ...earlier]) if (suspect !== culprit) this.#suspects.push(suspect);
    if (unfinished.length > 0) {
      this.#backoff.succeeded();
      return { restartInMs: 0, culprit, hopeless: false };
    }
    const restartInMs = this.#backoff.failed();
    return { restartInMs, culprit: undefined, hopeless: this.#backoff.failures >= patience };
  }

  /** The next suspect to run, when none runs. */
  next(): T | undefined {
    if (this.#alone !== undefined) return undefined;
    this.#alone = this.#suspects.shift();
    this.#first = this.#fresh;
    this.#fresh = false;
    return this.#alone;
  }

  /** A record left the stream as it should. */
  through(item: T): void {
    this.#backoff.succeeded();
    if (this.#alone === item) this.#alone = undefined;
  }

  /** Takes out what `gone` names; returns whether the record that runs alone was among it. */
  forget(gone: (item: T) => boolean): void {
    for (const suspect of this.#suspects.drain()) if (!gone(suspect)) this.#suspects.push(suspect);
    if (this.#alone !== undefined && gone(this.#alone)) this.#alone = undefined;
  }
}
