import { OptionError, PipelineError, RecordError, requireNumber, type StatsSnapshot } from 'millrace';
import { Feed } from './feed.ts';
import { firstServed, nextTurn, tookTurn } from './intake.state.ts';
import { requireWeight, type ResolvedOptions } from './parallel-options.ts';
import type { Results } from './results.ts';
import { type LaneOf, resolveSubmit, type SubmitOptions } from './submit-options.ts';
import { Submission } from './submission.ts';
import { Task } from './task.ts';
import type { Outcome } from './task-call.ts';
import type { TaskTable } from './task-pipeline.ts';

/** What an engine has done and is doing. */
export interface EngineStats {
  /** Submissions that have not ended. */
  readonly submissions: number;
  /** Tasks taken and not ended, the work of cancelled ones included as long as it runs. */
  readonly inFlight: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Of the pipeline that does the work; undefined before the first task. */
  readonly pipeline: StatsSnapshot | undefined;
}

/** Works on tasks side by side. */
export interface Engine<In, Out> extends AsyncDisposable {
  /**
   * Takes tasks over, lazily: the input is asked for the next one as there is room for it. Returns at once, whatever the input and however much is in flight.
   * @throws OptionError for an option outside its range; PipelineError `pipeline_stopped` after `close`.
   */
  submit(tasks: Iterable<In> | AsyncIterable<In>, options?: SubmitOptions<In>): Results<In, Out>;
  /** A share's weight, for tasks that are taken from now on. @throws OptionError for one that is not above 0. */
  setShare(share: string, weight: number): void;
  stats(): EngineStats;
  /**
   * Takes no submission any more, works off what was submitted (all of it, also what is not taken yet) until `deadlineMs` (30 s by default), cancels the rest, and closes the model. What
   * waits for a reader of its results is cancelled then, too. Again, it returns the same promise.
   */
  close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

interface Open<In, Out> {
  readonly submission: Submission<In, Out>;
  readonly laneOf: LaneOf<In>;
  readonly share: string;
  readonly context: Task<In, Out>['facts']['context'];
  /** Since 1970; of an asynchronous input undefined: from each task on. */
  readonly untilMs: number | undefined;
  readonly deadlineMs: number;
}

/** Tasks that are taken together, and put into the topic as one batch. */
const mostTogether = 256;
/** An input that computes must not keep the loop from what runs. */
const mostTakingMs = 5;

export class ParallelEngine<In, Out> implements Engine<In, Out>, TaskTable<In, Out> {
  readonly #options: ResolvedOptions<In, Out>;
  readonly #open = new Map<Submission<In, Out>['turn'], Open<In, Out>>();
  readonly #tasks = new Map<number, Task<In, Out>>();
  readonly #weights: Map<string, number>;
  readonly #feed: Feed<In, Out>;
  readonly #counts = { success: 0, error: 0, cancelled: 0 };
  #bytes = 0;
  #nextTask = 0;
  #nextSubmission = 0;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;
  /** Waits for the last submission to end. */
  #idle: (() => void) | undefined;

  constructor(options: ResolvedOptions<In, Out>) {
    this.#options = options;
    this.#weights = new Map(Object.entries(options.shares));
    this.#feed = new Feed(options, this, () => this.#takeSome());
  }

  submit(tasks: Iterable<In> | AsyncIterable<In>, options: SubmitOptions<In> = {}): Results<In, Out> {
    if (this.#closing) throw new PipelineError('pipeline_stopped', 'the engine is closed: submit before close, or make another one');
    if (typeof tasks === 'string' || !(Symbol.iterator in Object(tasks) || Symbol.asyncIterator in Object(tasks)))
      throw new OptionError(`submit expects tasks as an iterable, such as an array, got ${typeof tasks}`);
    const { priority, deadlineMs, ...rest } = resolveSubmit(options, this.#nextSubmission);
    this.#nextSubmission += 1;
    const there = [...this.#open.keys()];
    const weight = (): number => this.weightOf(rest.share);
    const turn = {
      ...{ priority, served: there.length === 0 ? 0 : firstServed(there), passed: 0 },
      get weight(): number {
        return weight();
      },
    };
    const { maxUnread, maxBytesInFlight: maxBytes, sizeOf, clock } = this.#options;
    const submission: Submission<In, Out> = new Submission<In, Out>(tasks, turn, {
      ...{ maxUnread, maxBytes, sizeOf },
      nowMs: () => clock.nowMs(),
      wake: () => this.#feed.wake(),
      ended: () => this.#ended(turn),
    });
    const untilMs = submission.isAsync ? undefined : clock.nowMs() + deadlineMs;
    this.#open.set(turn, { submission, ...rest, deadlineMs, untilMs });
    if (this.#failure) submission.fail(this.#failure);
    else this.#feed.wake();
    return submission;
  }

  setShare(share: string, weight: number): void {
    requireWeight(share, weight);
    this.#weights.set(share, weight);
  }

  weightOf(share: string): number {
    return this.#weights.get(share) ?? 1;
  }

  stats(): EngineStats {
    const { success: succeeded, error: failed, cancelled } = this.#counts;
    return { submissions: this.#open.size, inFlight: this.#tasks.size, succeeded, failed, cancelled, pipeline: this.#feed.stats() };
  }

  close({ deadlineMs = 30_000 }: { readonly deadlineMs?: number } = {}): Promise<void> {
    requireNumber('close.deadlineMs', deadlineMs, 0);
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  find(number: number): Task<In, Out> | undefined {
    return this.#tasks.get(number);
  }

  done({ task, value }: Outcome<In, Out>, degraded: readonly string[]): void {
    this.#release(task);
    task.end(value ? { status: 'success', result: value.is, degraded } : { status: 'cancelled' });
    this.#feed.wake();
  }

  failed(number: number, error: Error): void {
    const task = this.#tasks.get(number);
    if (!task) return;
    this.#release(task);
    task.end({ status: 'error', error });
    this.#feed.wake();
  }

  broke(error: Error): void {
    this.#failure = error;
    for (const { submission } of [...this.#open.values()]) submission.fail(error);
    this.#tasks.clear();
    this.#bytes = 0;
  }

  #release(task: Task<In, Out>): void {
    if (this.#tasks.delete(task.number)) this.#bytes -= this.#options.sizeOf(task.facts.input);
  }

  #takeSome(): readonly Task<In, Out>[] {
    const { clock, maxInFlight, maxBytesInFlight } = this.#options;
    const untilMs = clock.nowMs() + mostTakingMs;
    const taken: Task<In, Out>[] = [];
    while (taken.length < mostTogether && this.#tasks.size < maxInFlight && this.#bytes < maxBytesInFlight && clock.nowMs() < untilMs) {
      const ready = [...this.#open.keys()].filter((one) => this.#open.get(one)?.submission.isReady);
      const turn = nextTurn(ready);
      const open = turn && this.#open.get(turn);
      if (!open) break;
      tookTurn(turn, ready);
      const task = this.#take(open);
      if (task) taken.push(task);
    }
    return taken;
  }

  /** Undefined for an input that ends, and for a task that has ended before it began. */
  #take(open: Open<In, Out>): Task<In, Out> | undefined {
    const { submission, laneOf, share, context, deadlineMs } = open;
    const next = submission.take();
    if (!next) return undefined;
    const takenMs = this.#options.clock.nowMs();
    const untilMs = Math.min(open.untilMs ?? takenMs + deadlineMs, context.deadlineMs ?? Infinity);
    const number = this.#nextTask;
    this.#nextTask += 1;
    const own = untilMs === Infinity ? context : { ...context, deadlineMs: Math.trunc(untilMs) };
    let lane: string | null = null;
    let problem: unknown;
    try {
      lane = laneOf(next.input);
    } catch (error) {
      problem = error;
    }
    const task = new Task<In, Out>(number, { ...next, lane, share, context: own, takenMs }, (one, end) => {
      this.#counts[end.status] += 1;
      submission.onEnd(one, end);
    });
    submission.opened(task);
    const error = problem === undefined ? (untilMs <= takenMs ? tooLate(next.index) : undefined) : asError(problem);
    if (error) {
      task.end({ status: 'error', error });
      return undefined;
    }
    this.#tasks.set(number, task);
    this.#bytes += this.#options.sizeOf(next.input);
    return task;
  }

  #ended(turn: Submission<In, Out>['turn']): void {
    this.#open.delete(turn);
    if (this.#open.size === 0) this.#idle?.();
  }

  async #close(deadlineMs: number): Promise<void> {
    const { clock } = this.#options;
    if (this.#open.size > 0) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#idle = () => resolve(undefined);
      const cancel = clock.schedule(deadlineMs, () => resolve(undefined));
      await promise;
      cancel();
    }
    for (const { submission } of [...this.#open.values()]) submission.cancel();
    await this.#feed.close();
  }
}

const tooLate = (index: number): Error =>
  new RecordError('deadline_exceeded', `the deadline passed before task ${String(index)} was taken: give more time, or fewer tasks`);

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
