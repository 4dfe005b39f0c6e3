import { OptionError, PipelineError, RecordError, requireNumber, type StatsSnapshot } from 'millrace';
import { Feed } from './feed.ts';
import type { Batch } from './feed.ts';
import { firstServed, nextTurn, tookTurn, type Turn } from './intake.state.ts';
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
  readonly #open = new Map<Turn, Open<In, Out>>();
  /** Of submissions whose input has not ended, as far as was seen. */
  readonly #untaken = new Set<Turn>();
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
    const weight = (): number => this.weightOf(rest.share);
    const turn = {
      ...{ priority, served: firstServed(this.#open.keys()), passed: 0 },
      get weight(): number {
        return weight();
      },
    };
    const { maxUnread, maxBytesInFlight: maxBytes, clock } = this.#options;
    const submission: Submission<In, Out> = new Submission<In, Out>(tasks, turn, {
      ...{ maxUnread, maxBytes },
      nowMs: () => clock.nowMs(),
      wake: () => this.#feed.wake(),
      ended: () => this.#ended(turn),
    });
    const untilMs = submission.isAsync ? undefined : clock.nowMs() + deadlineMs;
    this.#open.set(turn, { submission, ...rest, deadlineMs, untilMs });
    this.#untaken.add(turn);
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
    if (this.#tasks.delete(task.number)) this.#bytes -= task.facts.bytes;
  }

  /** Asked once for many tasks: there may be thousands of submissions. */
  #ready(): Set<Turn> {
    const ready = new Set<Turn>();
    for (const turn of this.#untaken) {
      const submission = this.#open.get(turn)?.submission;
      if (!submission || submission.isTaken) this.#untaken.delete(turn);
      else if (submission.isReady) ready.add(turn);
    }
    return ready;
  }

  /** At least one look, however late: a pause of the process must not end the taking. */
  #takeSome(): Batch<In, Out> {
    const { clock, maxInFlight, maxBytesInFlight } = this.#options;
    const untilMs = clock.nowMs() + mostTakingMs;
    const tasks: Task<In, Out>[] = [];
    const ready = this.#ready();
    for (let looks = 0; this.#tasks.size < maxInFlight && this.#bytes < maxBytesInFlight; looks += 1) {
      const turn = nextTurn(ready);
      if (!turn) break;
      if (looks >= mostTogether || (looks > 0 && clock.nowMs() >= untilMs)) return { tasks, isMore: true };
      const open = this.#open.get(turn);
      if (!open?.submission.isReady) {
        ready.delete(turn);
        looks -= 1;
        continue;
      }
      tookTurn(turn, ready);
      const task = this.#take(open);
      if (task) tasks.push(task);
    }
    return { tasks, isMore: false };
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
    let bytes = 0;
    let problem: unknown;
    try {
      lane = laneOf(next.input);
      bytes = this.#bytesOf(next.input);
    } catch (error) {
      problem = error;
    }
    const task = new Task<In, Out>(number, { ...next, lane, bytes, share, context: own, takenMs }, (one, end) => {
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
    this.#bytes += bytes;
    return task;
  }

  /** Asked once: a task may change its input, and what is added must be what is taken away. */
  #bytesOf(input: In): number {
    const bytes = this.#options.sizeOf(input);
    requireNumber('the number that parallel.sizeOf returns', bytes, 0);
    return bytes;
  }

  #ended(turn: Turn): void {
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
