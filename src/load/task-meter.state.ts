import { binOf } from './peak-rate.state.ts';

/** What an event says. */
export interface Told {
  /** Tokens that came with it; 0 for an event without text. Undefined: there is text, and nobody says how many tokens it is. */
  readonly tokens: number | undefined;
  /** Output tokens of the whole answer so far. */
  readonly usage: number | undefined;
  /** The answer begins anew with a higher one. */
  readonly attempt: number | undefined;
  readonly isEnd: boolean;
  /** The code of an error that the server told. */
  readonly failure: string | undefined;
  /** Why it cannot be read. */
  readonly malformed: string | undefined;
}

/** Between one chunk of an answer and the next. */
export interface Gap {
  readonly ms: number;
  /** Of the chunk that ends it. */
  readonly tokens: number;
}

/** Counts what one answer brings. Holds a counter for each stretch of 100 ms in which something came. */
export class TaskMeter {
  #marks = new Map<number, number>();
  #first: number | undefined;
  #last: number | undefined;
  #events = 0;
  #chunks = 0;
  #told = 0;
  #isTold = true;
  #usage: number | undefined;
  #attempt: number | undefined;
  #restarts = 0;

  /** The gap that a chunk ends; undefined for the first one, and for events without text. */
  take({ tokens, usage, attempt }: Told, nowMs: number): Gap | undefined {
    this.#events += 1;
    if (attempt !== undefined) this.#begin(attempt);
    if (usage !== undefined) this.#usage = usage;
    if (tokens === 0) return undefined;
    const before = this.#last;
    const count = tokens ?? 1;
    if (tokens === undefined) this.#isTold = false;
    this.#first ??= nowMs;
    this.#last = nowMs;
    this.#chunks += 1;
    this.#told += count;
    const bin = binOf(nowMs);
    this.#marks.set(bin, (this.#marks.get(bin) ?? 0) + count);
    return before === undefined ? undefined : { ms: nowMs - before, tokens: count };
  }

  /** What came before was replaced: it is no part of the answer. */
  #begin(attempt: number): void {
    if (this.#attempt !== undefined && attempt > this.#attempt) {
      this.#restarts += 1;
      this.#marks = new Map();
      this.#last = undefined;
      [this.#chunks, this.#told] = [0, 0];
    }
    this.#attempt = attempt;
  }

  end() {
    const countedBy: 'usage' | 'server' | 'chunks' = this.#usage !== undefined ? 'usage' : this.#isTold ? 'server' : 'chunks';
    return {
      firstMs: this.#first,
      lastMs: this.#last,
      events: this.#events,
      chunks: this.#chunks,
      tokens: this.#usage ?? this.#told,
      countedBy,
      marks: this.#marks,
      restarts: this.#restarts,
    };
  }
}
