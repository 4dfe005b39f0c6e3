import { Observable } from 'rxjs';
import { OptionError } from 'millrace';
import { ResultQueue } from './result-queue.ts';
import type { Results, SubmissionCounts } from './results.ts';
import type { Task, TaskEnd, TaskResult } from './task.ts';

/** Tasks that were taken, to be put into the pipeline; what else happens is told to the engine. */
interface Host {
  readonly maxUnread: number;
  readonly maxBytes: number;
  nowMs(): number;
  /** Something may be taken that could not before. */
  wake(): void;
  prioritise(priority: number): void;
  /** Nothing will be taken any more, and every task has ended. */
  ended(): void;
}

/** An input of tasks, taken one by one as there is room. */
type Input<In> = Iterator<In, unknown> | AsyncIterator<In, unknown>;

/** One call of `submit`: its tasks are taken lazily, and their results are read by one reader. */
export class Submission<In, Out> implements Results<In, Out> {
  readonly isAsync: boolean;
  readonly #input: Input<In>;
  readonly #host: Host;
  readonly #queue: ResultQueue<TaskResult<In, Out>>;
  readonly #open = new Set<Task<In, Out>>();
  readonly #ends = { success: 0, error: 0, cancelled: 0 };
  #taken = 0;
  /** Tasks, and bytes of their inputs, that were taken and whose results nobody has read. */
  #held = 0;
  #bytes = 0;
  /** A task that is there: given back, or of an asynchronous input; and whether one was asked for. */
  #head: { readonly value: In } | undefined;
  #isAsked = false;
  #isInputOver = false;
  #inputError: { readonly error: unknown } | undefined;
  #isRead = false;
  #isEnded = false;
  #all: Promise<readonly TaskResult<In, Out>[]> | undefined;

  constructor(input: Iterable<In> | AsyncIterable<In>, host: Host) {
    const asynchronous = asynchronousIn(input);
    this.isAsync = asynchronous !== undefined;
    this.#input = asynchronous ?? (input as Iterable<In>)[Symbol.iterator]();
    this.#host = host;
    this.#queue = new ResultQueue((bytes) => {
      const wasFull = this.#full();
      this.#held -= 1;
      this.#bytes -= bytes;
      if (wasFull && !this.#full()) host.wake();
    });
  }

  get counts(): SubmissionCounts {
    const { success, error, cancelled } = this.#ends;
    return { taken: this.#taken, succeeded: success, failed: error, cancelled, unread: this.#queue.size };
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Nothing more will be taken. */
  get isTaken(): boolean {
    return this.#isInputOver;
  }

  /** Whether a task could be taken now. Asks an asynchronous input for its next. */
  get isReady(): boolean {
    if (this.#isInputOver || this.#full()) return false;
    if (!this.isAsync || this.#head) return true;
    this.#ask();
    return false;
  }

  /** The next task's input; undefined: there is none (any more, or at present). What the input throws ends it. */
  take(): { readonly index: number; readonly input: In } | undefined {
    let value: In;
    if (this.#head) {
      ({ value } = this.#head);
      this.#head = undefined;
    } else if (this.isAsync) return undefined;
    else {
      try {
        const next = (this.#input as Iterator<In>).next();
        if (next.done === true) {
          this.#inputOver();
          return undefined;
        }
        if (this.#isInputOver) return undefined; // cancelled by the input itself
        ({ value } = next);
      } catch (error) {
        this.#inputOver({ error });
        return undefined;
      }
    }
    const index = this.#taken;
    this.#taken += 1;
    return { index, input: value };
  }

  /** There is no room for it: it is the next one again. */
  giveBack({ input }: { readonly input: In }): void {
    if (this.#isInputOver) return;
    this.#head = { value: input };
    this.#taken -= 1;
  }

  opened(task: Task<In, Out>): void {
    this.#open.add(task);
    this.#held += 1;
    this.#bytes += task.facts.bytes;
  }

  /** The end of a task of its own. */
  readonly onEnd = (task: Task<In, Out>, end: TaskEnd<Out>): void => {
    this.#open.delete(task);
    this.#ends[end.status] += 1;
    const { index, input, takenMs, bytes } = task.facts;
    if (!this.#isEnded) this.#queue.push({ index, input, latencyMs: Math.max(0, this.#host.nowMs() - takenMs), ...end }, bytes);
    this.#endIfOver();
  };

  setPriority(priority: number): void {
    this.#host.prioritise(priority);
  }

  cancel(): void {
    this.#stopInput();
    this.#endAll({ status: 'cancelled' });
  }

  /** All tasks that have not ended fail with `error`, and nothing more is taken. */
  fail(error: Error): void {
    this.#inputError ??= { error };
    this.#stopInput();
    this.#endAll({ status: 'error', error });
  }

  [Symbol.asyncIterator](): AsyncIterator<TaskResult<In, Out>, undefined> {
    this.#claim();
    return {
      next: () => this.#queue.next(),
      return: () => {
        this.cancel();
        this.#queue.clear();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  all(): Promise<readonly TaskResult<In, Out>[]> {
    if (this.#all) return this.#all;
    this.#claim();
    this.#all = this.#collect();
    this.#all.catch(() => undefined); // whoever asked is told; nobody else is
    return this.#all;
  }

  get promise(): Promise<readonly Out[]> {
    const plain = this.all().then((results) => results.map(plainOf));
    plain.catch(() => undefined);
    return plain;
  }

  get observable(): Observable<TaskResult<In, Out>> {
    return new Observable((out) => {
      const results = this[Symbol.asyncIterator]();
      const read = async (): Promise<void> => {
        for (let next = await results.next(); next.done !== true && !out.closed; next = await results.next()) out.next(next.value);
        out.complete();
      };
      read().catch((error: unknown) => {
        out.error(error);
      });
      return () => {
        if (!this.#isEnded || this.#queue.size > 0) void results.return?.();
      };
    });
  }

  #endAll(end: TaskEnd<Out>): void {
    for (const stop of [...this.#open].map((task) => task.settle(end))) stop();
  }

  #full(): boolean {
    return this.#held >= this.#host.maxUnread || this.#bytes >= this.#host.maxBytes;
  }

  async #collect(): Promise<readonly TaskResult<In, Out>[]> {
    const results: TaskResult<In, Out>[] = [];
    for (let next = await this.#queue.next(); next.done !== true; next = await this.#queue.next()) results[next.value.index] = next.value;
    return results;
  }

  #claim(): void {
    if (this.#isRead) throw new OptionError('expected one reader of the results, got a second one: share what the first one reads');
    this.#isRead = true;
  }

  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    const ask = async (): Promise<void> => {
      const next = await (this.#input as AsyncIterator<In, unknown>).next();
      this.#isAsked = false;
      if (this.#isInputOver) return;
      if (next.done === true) this.#inputOver();
      else this.#head = { value: next.value };
      this.#host.wake();
    };
    ask().catch((error: unknown) => {
      this.#isAsked = false;
      this.#inputOver({ error });
    });
  }

  #inputOver(error?: { readonly error: unknown }): void {
    if (this.#isInputOver) return;
    this.#isInputOver = true;
    this.#inputError ??= error;
    this.#endIfOver();
  }

  /** An input that is left early may hold a file or a connection. */
  #stopInput(): void {
    if (this.#isInputOver) return;
    const leave = async (): Promise<void> => {
      await this.#input.return?.();
    };
    leave().catch(() => undefined);
    this.#inputOver();
  }

  #endIfOver(): void {
    if (this.#isEnded || !this.#isInputOver || this.#open.size > 0) return;
    this.#isEnded = true;
    if (this.#inputError) this.#queue.fail(this.#inputError.error);
    else this.#queue.complete();
    this.#host.ended();
  }
}

const asynchronousIn = <In>(input: Iterable<In> | AsyncIterable<In>): AsyncIterator<In, unknown> | undefined =>
  Symbol.asyncIterator in input ? input[Symbol.asyncIterator]() : undefined;

function plainOf<In, Out>(one: TaskResult<In, Out>): Out {
  if (one.status === 'success') return one.result;
  if (one.status === 'error') throw one.error;
  throw new DOMException(`task ${String(one.index)} was cancelled`, 'AbortError');
}
