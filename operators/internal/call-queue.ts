import { Fifo } from '../../src/fifo.ts';
import { type Envelope, take } from '../../src/record/envelope.ts';
import type { Handle } from '../../src/record/handle.ts';

/** An envelope that was taken, with its claim. */
export interface Taken<T, K> {
  readonly envelope: Envelope<T, K>;
  readonly handle: Handle;
}

const firstSweepAt = 1024;

/** Records that wait for a call, in order. Those that were given back meanwhile leave in silence. */
export class CallQueue<T, K> {
  readonly #waiting = new Fifo<Taken<T, K>>();
  #sweepAt = firstSweepAt;

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Dead ones included, of which there are fewer than live ones, or than 1,024. */
  get size(): number {
    return this.#waiting.size;
  }

  push(envelope: Envelope<T, K>): void {
    const handle = take(envelope);
    handle.part.at('queued');
    this.#waiting.push({ envelope, handle });
    if (this.#waiting.size < this.#sweepAt) return;
    // without this, each revoke would add a window of dead records while the calls before them run
    this.#waiting.sweep(isLive);
    this.#sweepAt = Math.max(firstSweepAt, this.#waiting.size * 2);
  }

  shift(): Taken<T, K> | undefined {
    let one = this.#waiting.shift();
    while (one && !isLive(one)) one = this.#waiting.shift();
    return one;
  }

  /** Forgets all of them. If the stream goes on without this queue, their deadlines find them. */
  clear(): void {
    for (const { handle } of this.#waiting.drain()) handle.part.at('flowing');
  }
}

const isLive = ({ handle }: Taken<unknown, unknown>): boolean => handle.part.live;
