import { Fifo } from '../../src/fifo.ts';
import { type Envelope, take } from '../../src/record/envelope.ts';
import type { Handle } from '../../src/record/handle.ts';
import { Heap, type HeapEntry } from '../../src/policies/internal/heap.state.ts';

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

/** Which of those that wait is first: the one whose records were taken first from the source, or the one that came first to the operator. */
export type FirstCome = 'taken' | 'here';

interface Waiting<T, K> extends Taken<T, K>, HeapEntry {
  /** Which one of all its record was, when it was taken. */
  readonly number: number;
}

/**
 * First come, first served. By default those come first that were taken first from the source: the next record of a busy key is let in when
 * the one before it is through, and would be last again behind all that wait, with an empty server at the end and that key's records left.
 */
export class CallQueue<T, K> implements WaitingCalls<T, K> {
  readonly #places: number;
  readonly #by: FirstCome;
  readonly #inOrder = new Fifo<Waiting<T, K>>();
  /** Those that came after one that was taken later. Few, so that most records cost no search. */
  readonly #late = new Heap<Waiting<T, K>>((a, b) => a.number < b.number);
  /** The number of the last one in the queue. */
  #last = 0;
  #running = 0;
  #sweepAt = firstSweepAt;

  constructor(places: number, by: FirstCome = 'taken') {
    this.#places = places;
    this.#by = by;
  }

  get isEmpty(): boolean {
    return this.size === 0;
  }

  /** Dead ones included, of which there are fewer than live ones, or than 1,024. */
  get size(): number {
    return this.#inOrder.size + this.#late.size;
  }

  push(envelope: Envelope<T, K>): Taken<T, K> {
    const handle = take(envelope);
    handle.part.at('queued');
    if (this.#inOrder.size === 0) this.#last = 0;
    const number = (this.#by === 'taken' ? handle.part.roots[0]?.arrival?.number : undefined) ?? this.#last;
    const one: Waiting<T, K> = { envelope, handle, takeBack: undefined, number, at: -1 };
    if (number < this.#last) this.#late.push(one);
    else {
      this.#inOrder.push(one);
      this.#last = number;
    }
    if (this.size < this.#sweepAt) return one;
    // without this, each revoke would add a window of dead records while the calls before them run
    this.#inOrder.sweep(isLive);
    this.#late.sweep(isLive);
    this.#sweepAt = Math.max(firstSweepAt, this.size * 2);
    return one;
  }

  next(): Taken<T, K> | undefined {
    if (this.#running >= this.#places) return undefined;
    let one = this.#first();
    while (one && !isLive(one)) one = this.#first();
    if (one) this.#running += 1;
    return one;
  }

  #first(): Waiting<T, K> | undefined {
    const late = this.#late.peek();
    if (late === undefined || late.number >= (this.#inOrder.peek()?.number ?? Infinity)) return this.#inOrder.shift();
    this.#late.remove(late);
    return late;
  }

  end(): void {
    this.#running -= 1;
  }

  displace(): undefined {
    return undefined; // nobody is more urgent
  }

  clear(): void {
    const leave = ({ handle }: Waiting<T, K>): boolean => {
      handle.part.at('flowing');
      return false;
    };
    this.#inOrder.sweep(leave);
    this.#late.sweep(leave);
  }
}

/** Whether anybody still waits for it. */
export const isLive = ({ handle }: Taken<unknown, unknown>): boolean => handle.part.live;
