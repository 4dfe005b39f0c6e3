import { RecordError } from '../../src/errors.ts';

/** Members of a batch that stand side by side: the indices from `start` up to `end`, which is not one of them. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

/** The result of each member of a batch: a value, or why there is none. */
export type Results<R> = readonly (R | Error)[];

/**
 * Which calls to make for a batch that may hold bad members: one for all of it, then one for each half of what has failed,
 * until a bad member stands alone. Level by level, the larger slices first: where calls run out, what was left uncalled lies
 * next to what is bad. Holds a result and a reason for each member.
 */
export class Bisection<R> {
  readonly #mostCalls: number;
  readonly #results: (R | Error)[];
  /** Why the slice around an index has failed, for members whose own slice is not called any more. */
  readonly #reasons: Error[] = [];
  /** Of this level; the next one last. */
  #open: Slice[];
  #halves: Slice[] = [];
  #calls = 0;

  /** @param mostCalls members for which no call is left then fail with `not_singled_out`. */
  constructor(size: number, mostCalls: number) {
    this.#mostCalls = mostCalls;
    this.#results = new Array<R | Error>(size);
    this.#open = [{ start: 0, end: size }];
  }

  /** Calls that have ended. */
  get calls(): number {
    return this.#calls;
  }

  /** Whether calls for the halves of `next` can be made, should it fail. */
  get canCut(): boolean {
    const { start, end } = this.next ?? { start: 0, end: 0 };
    return end - start > 1 && this.#calls + 1 < this.#mostCalls;
  }

  /** What to call for now, the same until its end is told; undefined when every member has its result. */
  get next(): Slice | undefined {
    return this.#open.at(-1);
  }

  get results(): Results<R> {
    return this.#results;
  }

  /** The call for `next` gave these, one for each of its members. */
  succeeded(values: Results<R>): void {
    const { start } = this.#take();
    for (const [i, value] of values.entries()) this.#results[start + i] = value;
    this.#goOn();
  }

  /** The call for `next` failed, perhaps for one of its members only. */
  failed(error: Error): void {
    const { start, end } = this.#take();
    if (end - start <= 1) this.#results[start] = error;
    else {
      const middle = start + Math.ceil((end - start) / 2);
      for (let i = start; i < end; i += 1) this.#reasons[i] = error;
      this.#halves.push({ start, end: middle }, { start: middle, end });
    }
    this.#goOn();
  }

  /** The call for `next` failed, and calls for fewer would fail the same way. */
  failedWhole(error: Error): void {
    const { start, end } = this.#take();
    this.#results.fill(error, start, end);
    this.#goOn();
  }

  #take(): Slice {
    this.#calls += 1;
    return this.#open.pop() ?? { start: 0, end: 0 };
  }

  #goOn(): void {
    if (this.#open.length === 0) {
      this.#open = this.#halves.reverse();
      this.#halves = [];
    }
    if (this.#calls < this.#mostCalls) return;
    // what is open now was cut from what has failed, so it has a reason
    for (const { start, end } of [...this.#open, ...this.#halves])
      for (let i = start; i < end; i += 1) this.#results[i] = notSingledOut(this.#mostCalls, this.#reasons[i] as Error);
    this.#open = [];
    this.#halves = [];
  }
}

/** Of a member that stood with a bad one when calls ran out: it may be as good as any. */
const notSingledOut = (mostCalls: number, cause: Error): Error =>
  new RecordError(
    'not_singled_out',
    `the last call with this member failed for one of its batch, perhaps another one, and maxCalls (${String(mostCalls)}) allowed no call for fewer: redrive it, or raise bisectOnError.maxCalls`,
    { cause },
  );
