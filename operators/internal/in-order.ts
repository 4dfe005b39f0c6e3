import { Fifo } from '../../src/fifo.ts';

/** One place in a line. Its values leave when all places before it have ended. */
export interface Place<R> {
  readonly push: (value: R) => void;
  /** Runs `leave` when the values are out, and lets the next place go. */
  readonly end: (leave: () => void) => void;
  /** Gives up the values that are not out, and lets the next place go. */
  readonly drop: () => void;
}

interface Entry<R> {
  readonly values: Fifo<R>;
  readonly emit: (value: R) => void;
  leave: (() => void) | undefined;
}

/** A place for results that need not wait for others. */
export const noLine = <R>(emit: (value: R) => void): Place<R> => ({
  push: emit,
  end: (leave) => {
    leave();
  },
  drop: () => undefined,
});

/** Lets values out in the order of their places, not of their arrival. Holds what waits; the places bound it. */
export class Line<R> {
  readonly #entries = new Fifo<Entry<R>>();
  #draining = false;

  get size(): number {
    return this.#entries.size;
  }

  place(emit: (value: R) => void): Place<R> {
    const entry: Entry<R> = { values: new Fifo(), emit, leave: undefined };
    this.#entries.push(entry);
    return {
      push: (value) => {
        entry.values.push(value);
        this.#drain();
      },
      end: (leave) => {
        entry.leave = leave;
        this.#drain();
      },
      drop: () => {
        entry.values.drain();
        entry.leave = () => undefined;
        this.#drain();
      },
    };
  }

  /** One loop at a time: what a value sets off downstream may come back in here, and must queue behind it. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let head = this.#entries.peek(); head; head = this.#entries.peek()) {
        while (head.values.size > 0) head.emit(head.values.shift() as R);
        if (!head.leave) return;
        this.#entries.shift();
        head.leave();
      }
    } finally {
      this.#draining = false;
    }
  }
}
