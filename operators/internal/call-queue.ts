import { Fifo } from '../../src/fifo.ts';
import { type Envelope, take } from '../../src/record/envelope.ts';
import type { Handle } from '../../src/record/handle.ts';

/** An envelope that was taken, with its claim. */
export interface Taken<T, K> {
  readonly envelope: Envelope<T, K>;
  readonly handle: Handle;
  /** Aborts its call as if it had not been made; false when it is too late for that. Undefined while it waits. */
  takeBack: (() => boolean) | undefined;
}

/** Records that wait for a call, and the places of those that have one. Those that were given back meanwhile leave in silence. */
export interface WaitingCalls<T, K> {
  readonly isEmpty: boolean;
  /** Takes the envelope; undefined when its record has failed here. */
  push(envelope: Envelope<T, K>): Taken<T, K> | undefined;
  /** The one that starts now, and has a place from here on; undefined when nobody waits, or no place is free. */
  next(): Taken<T, K> | undefined;
  /** Its call is over: its place is free. */
  end(one: Taken<T, K>): void;
  /** The one that starts now because a less urgent call was taken back for `one`, which found no place. */
  displace(one: Taken<T, K>): Taken<T, K> | undefined;
  /** Forgets all of them. If the stream goes on without this queue, their deadlines find them. */
  clear(): void;
}

const firstSweepAt = 1024;

/** First come, first served. */
export class CallQueue<T, K> implements WaitingCalls<T, K> {
  readonly #places: number;
  readonly #waiting = new Fifo<Taken<T, K>>();
  #running = 0;
  #sweepAt = firstSweepAt;

  constructor(places: number) {
    this.#places = places;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Dead ones included, of which there are fewer than live ones, or than 1,024. */
  get size(): number {
    return this.#waiting.size;
  }

  push(envelope: Envelope<T, K>): Taken<T, K> {
    const handle = take(envelope);
    handle.part.at('queued');
    const one = { envelope, handle, takeBack: undefined };
    this.#waiting.push(one);
    if (this.#waiting.size < this.#sweepAt) return one;
    // without this, each revoke would add a window of dead records while the calls before them run
    this.#waiting.sweep(isLive);
    this.#sweepAt = Math.max(firstSweepAt, this.#waiting.size * 2);
    return one;
  }

  next(): Taken<T, K> | undefined {
    if (this.#running >= this.#places) return undefined;
    let one = this.#waiting.shift();
    while (one && !isLive(one)) one = this.#waiting.shift();
    if (one) this.#running += 1;
    return one;
  }

  end(): void {
    this.#running -= 1;
  }

  displace(): undefined {
    return undefined; // nobody is more urgent
  }

  clear(): void {
    for (const { handle } of this.#waiting.drain()) handle.part.at('flowing');
  }
}

/** Whether anybody still waits for it. */
export const isLive = ({ handle }: Taken<unknown, unknown>): boolean => handle.part.live;
