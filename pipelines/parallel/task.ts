import type { RecordContext } from 'millrace';

interface Ended<In> {
  /** Its place among the tasks of its submission, from 0. */
  readonly index: number;
  readonly input: In;
  /** From taking the task to its end, in ms. */
  readonly latencyMs: number;
}

/** How a task ended. Each has exactly one end. */
export type TaskResult<In, Out> =
  | (Ended<In> & {
      readonly status: 'success';
      readonly result: Out;
      /** What stood in for the usual way, as steps name it (`fallback`); empty: nothing did. */
      readonly degraded: readonly string[];
    })
  | (Ended<In> & { readonly status: 'error'; readonly error: Error })
  | (Ended<In> & { readonly status: 'cancelled' });

/** An end, before it is known whose. */
export type TaskEnd<Out> =
  | { readonly status: 'success'; readonly result: Out; readonly degraded: readonly string[] }
  | { readonly status: 'error'; readonly error: Error }
  | { readonly status: 'cancelled' };

/** What is the same for all tasks of a submission, or decided when one is taken. */
export interface TaskFacts<In> {
  readonly index: number;
  readonly input: In;
  /** Tasks of one lane run one after the other; null: beside all others. */
  readonly lane: string | null;
  /** Of its input, as `sizeOf` said when it was taken. */
  readonly bytes: number;
  /** As `lengthOf` said. */
  readonly length: number;
  /** As `memoryOf` said. */
  readonly memory: number;
  readonly share: string;
  readonly context: RecordContext;
  readonly takenMs: number;
}

/** A task from being taken to its end. Values stay in this process; through the topics goes its number alone. */
export class Task<In, Out> {
  readonly number: number;
  readonly facts: TaskFacts<In>;
  /** What its last call failed with: an error as it was thrown says more than a dead letter. */
  failure: unknown;
  readonly #onEnd: (task: Task<In, Out>, end: TaskEnd<Out>) => void;
  readonly #whenOver = new Set<() => void>();
  #isOver = false;

  constructor(number: number, facts: TaskFacts<In>, onEnd: (task: Task<In, Out>, end: TaskEnd<Out>) => void) {
    this.number = number;
    this.facts = facts;
    this.#onEnd = onEnd;
  }

  /** Has ended: whatever its record still does is ignored. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The first end counts: a record that was given back runs again, and a cancelled one ends once more. */
  end(end: TaskEnd<Out>): void {
    this.settle(end)();
  }

  /** As `end`, but what runs for it goes on until the result is called. Where several end at once, none may begin in a place that another one frees. */
  settle(end: TaskEnd<Out>): () => void {
    if (this.#isOver) return () => undefined;
    this.#isOver = true;
    const running = [...this.#whenOver];
    this.#whenOver.clear();
    this.#onEnd(this, end);
    return () => {
      if (end.status !== 'success') for (const stop of running) stop();
    };
  }

  /** `stop` runs when the task ends in spite of a call that runs for it. The result takes that back. */
  whenOver(stop: () => void): () => void {
    if (this.#isOver) stop();
    else this.#whenOver.add(stop);
    return () => this.#whenOver.delete(stop);
  }
}
