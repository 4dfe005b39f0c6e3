import { randomUUID } from 'node:crypto';
import { OptionError, PipelineError, RecordError, requireInteger, requireNumber, type StatsSnapshot } from 'millrace';
import { Feed } from './feed.ts';
import type { Batch } from './feed.ts';
import { newTurn, type Turn } from './intake.state.ts';
import { requireShare, type ResolvedOptions } from './parallel-options.ts';
import { QueueDepth } from './queue-depth.state.ts';
import type { Results } from './results.ts';
import { type ShareOptions, Shares, type ShareStats } from './shares.state.ts';
import { type LaneOf, priorities, resolveSubmit, type SubmitOptions } from './submit-options.ts';
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
  /** Most tasks that are taken at present: as many as end within a second, up to `maxInFlight`. */
  readonly depth: number;
  /** Those that were given, and those that have tasks. */
  readonly shares: Readonly<Record<string, ShareStats>>;
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
  /** A share's weight, or that and its part of the memory, for tasks that are taken from now on; what is left out stays. @throws OptionError for what is out of range. */
  setShare(share: string, given: number | ShareOptions): void;
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
  context: Task<In, Out>['facts']['context'];
  /** Since 1970; of an asynchronous input undefined: from each task on. */
  readonly untilMs: number | undefined;
  readonly deadlineMs: number;
}

/** Tasks that are taken together, and put into the topic as one batch. */
const mostTogether = 256;
/** An input that computes must not keep the loop from what runs. */
const mostTakingMs = 5;

export class ParallelEngine<In, Out> implements Engine<In, Out>, TaskTable<In, Out> {
  readonly run = randomUUID();
  readonly #options: ResolvedOptions<In, Out>;
  readonly #open = new Map<Turn, Open<In, Out>>();
  readonly #tasks = new Map<number, Task<In, Out>>();
  readonly #shares: Shares<Turn>;
  readonly #depth: QueueDepth;
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
    this.#shares = new Shares(options.memory, options.shares);
    this.#depth = new QueueDepth({ least: leastDepth(options), most: options.maxInFlight });
    this.#feed = new Feed(options, this, () => this.#takeSome());
  }

  submit(tasks: Iterable<In> | AsyncIterable<In>, options: SubmitOptions<In> = {}): Results<In, Out> {
    if (this.#closing) throw new PipelineError('pipeline_stopped', 'the engine is closed: submit before close, or make another one');
    if (typeof tasks === 'string' || !(Symbol.iterator in Object(tasks) || Symbol.asyncIterator in Object(tasks)))
      throw new OptionError(`submit expects tasks as an iterable, such as an array, got ${typeof tasks}`);
    const { priority, deadlineMs, ...rest } = resolveSubmit(options, this.#nextSubmission);
    this.#nextSubmission += 1;
    const turn = newTurn(priority);
    const { maxUnread, maxBytesInFlight: maxBytes, clock } = this.#options;
    const submission: Submission<In, Out> = new Submission<In, Out>(tasks, {
      ...{ maxUnread, maxBytes },
      nowMs: () => clock.nowMs(),
      wake: () => this.#wake(turn),
      prioritise: (to) => this.#prioritise(turn, to),
      ended: () => this.#ended(turn),
    });
    const untilMs = submission.isAsync ? undefined : clock.nowMs() + deadlineMs;
    this.#open.set(turn, { submission, ...rest, deadlineMs, untilMs });
    if (this.#failure) submission.fail(this.#failure);
    else this.#wake(turn);
    return submission;
  }

  setShare(share: string, given: number | ShareOptions): void {
    this.#shares.set(share, requireShare(share, given, this.#options.memory));
    this.#feed.wake();
  }

  weightOf(share: string): number {
    return this.#shares.weightOf(share);
  }

  stats(): EngineStats {
    const { success: succeeded, error: failed, cancelled } = this.#counts;
    const work = { submissions: this.#open.size, inFlight: this.#tasks.size, succeeded, failed, cancelled };
    return { ...work, depth: this.#depth.limit, shares: this.#shares.stats(), pipeline: this.#feed.stats() };
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
    if (!this.#tasks.delete(task.number)) return;
    const { share, memory, bytes } = task.facts;
    this.#bytes -= bytes;
    this.#shares.ended(share, memory);
    this.#depth.ended(this.#options.clock.nowMs());
    this.#feed.ended();
  }

  /** It may have something to give. */
  #wake(turn: Turn): void {
    const open = this.#open.get(turn);
    if (open && !open.submission.isTaken) this.#shares.enter(open.share, turn);
    this.#feed.wake();
  }

  #prioritise(turn: Turn, priority: number): void {
    requireInteger('setPriority', priority, ...priorities);
    const open = this.#open.get(turn);
    if (!open) return;
    this.#shares.leave(open.share, turn);
    turn.priority = priority;
    open.context = { ...open.context, priority };
    this.#wake(turn);
  }

  /** At least one look, however late: a pause of the process must not end the taking. */
  #takeSome(): Batch<In, Out> {
    const { clock, maxBytesInFlight } = this.#options;
    const untilMs = clock.nowMs() + mostTakingMs;
    const tasks: Task<In, Out>[] = [];
    for (let looks = 0; this.#tasks.size < this.#depth.limit && this.#bytes < maxBytesInFlight; looks += 1) {
      const turn = this.#shares.next();
      if (!turn) break;
      if (looks >= mostTogether || (looks > 0 && clock.nowMs() >= untilMs)) return { tasks, isMore: true };
      const open = this.#open.get(turn);
      const task = open?.submission.isReady ? this.#take(turn, open) : undefined;
      if (task) tasks.push(task);
      else if (open?.submission.isReady !== true) this.#shares.leave(open?.share ?? '', turn);
    }
    return { tasks, isMore: false };
  }

  /** Undefined for an input that ends, for a task that has ended before it began, and for one that has no room. */
  #take(turn: Turn, open: Open<In, Out>): Task<In, Out> | undefined {
    const { submission, share, context, deadlineMs } = open;
    const next = submission.take();
    if (!next) return undefined;
    const { problem, ...sizes } = this.#sizesOf(next.input, open);
    if (problem === undefined && !this.#shares.fits(share, sizes.memory)) {
      submission.giveBack(next);
      return undefined;
    }
    const takenMs = this.#options.clock.nowMs();
    const untilMs = Math.min(open.untilMs ?? takenMs + deadlineMs, context.deadlineMs ?? Infinity);
    const number = this.#nextTask;
    this.#nextTask += 1;
    const own = untilMs === Infinity ? context : { ...context, deadlineMs: Math.trunc(untilMs) };
    const task = new Task<In, Out>(number, { ...next, ...sizes, share, context: own, takenMs }, (one, end) => {
      this.#counts[end.status] += 1;
      submission.onEnd(one, end);
    });
    submission.opened(task);
    const error = problem ?? (untilMs <= takenMs ? tooLate(next.index) : undefined);
    if (error) {
      task.end({ status: 'error', error });
      return undefined;
    }
    this.#tasks.set(number, task);
    this.#bytes += sizes.bytes;
    this.#shares.took(share, turn, sizes);
    return task;
  }

  /** Asked once: a task may change its input, and what is added must be what is taken away. */
  #sizesOf(input: In, { laneOf }: Open<In, Out>) {
    const { sizeOf, lengthOf, memoryOf } = this.#options;
    const none = { lane: null, bytes: 0, length: 0, memory: 0 };
    try {
      const sizes = { lane: laneOf(input), bytes: sizeOf(input), length: lengthOf(input), memory: memoryOf(input) };
      requireNumber('the number that parallel.sizeOf returns', sizes.bytes, 0);
      requireNumber('the number that parallel.lengthOf returns', sizes.length, 0);
      requireNumber('the number that parallel.memoryOf returns', sizes.memory, 0);
      return { ...sizes, problem: undefined };
    } catch (error) {
      return { ...none, problem: asError(error) };
    }
  }

  #ended(turn: Turn): void {
    const open = this.#open.get(turn);
    this.#open.delete(turn);
    if (open) this.#shares.leave(open.share, turn);
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

/** Enough for all places, and for an order among those that wait; orders that go by what waits see all that may be taken. */
const leastDepth = ({
  maxWorkers,
  batchSize,
  schedule,
  maxInFlight,
}: Pick<ResolvedOptions<never, never>, 'maxWorkers' | 'batchSize' | 'schedule' | 'maxInFlight'>): number =>
  schedule === 'shortest' || schedule === 'deadline' ? maxInFlight : Math.max(64, 4 * maxWorkers * batchSize);

const tooLate = (index: number): Error =>
  new RecordError('deadline_exceeded', `the deadline passed before task ${String(index)} was taken: give more time, or fewer tasks`);

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
