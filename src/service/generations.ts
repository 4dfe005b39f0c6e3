import { randomBytes } from 'node:crypto';
import { defer, type Observable, Subscription } from 'rxjs';
import { inScope, scopeOf } from '../call.ts';
import type { CancelTimer, Clock } from '../clock.ts';
import { InferenceError, isStreamError, OptionError, RecordError } from '../errors.ts';
import type { AnswerPiece } from './answer-piece.ts';
import type { RecordContext } from '../record/record-context.ts';
import type { Admission } from './admission.ts';
import type { Caller } from './callers.ts';
import { failureOf } from './failure-of.ts';
import { type GenerationEvent, GenerationState } from './generation.state.ts';

/** What is to be generated. */
export interface GenerationSpec {
  /** The queue that it waits in. */
  readonly admission: Admission;
  readonly caller: Caller;
  readonly priority: number;
  /** What it may cost in tokens. */
  readonly tokens: number;
  /** Of these, about what its prompt has. */
  readonly promptTokens: number;
  /** In the clock's milliseconds: nobody wants it later. */
  readonly deadlineMs: number;
  readonly context: RecordContext;
  /** Cold; the last piece has usage. */
  readonly call: () => Observable<AnswerPiece>;
  /** Whether pieces are joined into chunks that are worth an event. */
  readonly chunked: boolean;
  /** How long it goes on without a reader, from its start on too; 0: its end is that of its last reader. */
  readonly resumeMs: number;
}

/** One who reads a generation. */
export interface Reading {
  /** What has come since the last look; `lost` where some of it is not kept any more. */
  take(): readonly GenerationEvent[] | 'lost';
  /** Whether nothing will come any more: it has ended, and the reader has all. */
  isOver(): boolean;
  /** Gives it up; twice does nothing. */
  leave(): void;
}

export interface GenerationsOptions {
  readonly clock: Clock;
  /** How long an answer is kept after its end. */
  readonly keepMs: number;
  /** Of one answer, for who comes late. */
  readonly maxKeptBytes: number;
  /** Of all answers that have ended: the oldest go first. */
  readonly maxKeptBytesInAll: number;
}

interface Generation {
  readonly id: string;
  readonly spec: GenerationSpec;
  readonly state: GenerationState;
  readonly readers: Map<object, () => void>;
  readonly work: Subscription;
  /** What the model has read for it so far as is known: nothing before it began. */
  promptTokens: number;
  cancelTimer: CancelTimer | undefined;
}

export interface GenerationCounts {
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly retried: number;
  readonly tokens: number;
}

/** A process that dies with its calls is started again; the prompt that kills it is told by `model_killed` after two. */
const mostAttempts = 4;
const mostAtOnce = 64;

/**
 * Answers while they are made, and for a while after: each has an id, waits for its place, can be read by many, late and again, and ends with its last reader
 * (or some time later). What goes down with its worker before its first text is asked again; after it, it fails.
 * Holds an entry for each request that waits or runs, `maxKeptBytes` of text each, and of those that have ended `maxKeptBytesInAll` for `keepMs` at most.
 */
export class Generations {
  readonly #options: GenerationsOptions;
  readonly #all = new Map<string, Generation>();
  /** Those that have ended, oldest first, with their bytes. */
  readonly #ended = new Map<Generation, number>();
  #endedBytes = 0;
  #counts = { completed: 0, failed: 0, cancelled: 0, retried: 0, tokens: 0 };

  constructor(options: GenerationsOptions) {
    this.#options = options;
  }

  /** Those that wait or run. */
  get open(): number {
    return this.#all.size - this.#ended.size;
  }

  /** Those that are kept, too. */
  get size(): number {
    return this.#all.size;
  }

  get counts(): GenerationCounts {
    return this.#counts;
  }

  /** @throws OverloadError when there is no room for it. */
  start(spec: GenerationSpec): string {
    const { clock, maxKeptBytes } = this.#options;
    const id = randomBytes(16).toString('base64url');
    const nowMs = clock.nowMs();
    const generation: Generation = {
      ...{ id, spec, readers: new Map(), work: new Subscription(), promptTokens: 0, cancelTimer: undefined },
      state: new GenerationState(nowMs, { chunked: spec.chunked, maxKeptBytes }),
    };
    const { work } = generation;
    this.#all.set(id, generation);
    try {
      const leave = spec.admission.enter(spec, () => this.#begin(generation));
      work.add(() => leave(generation.promptTokens + generation.state.tokens));
    } catch (error) {
      this.#all.delete(id);
      throw error;
    }
    if (Number.isFinite(spec.deadlineMs)) {
      const late = (): void =>
        this.#fail(generation, new RecordError('deadline_exceeded', 'its deadline passed before the answer was whole'));
      if (!work.closed) work.add(clock.schedule(Math.max(0, spec.deadlineMs - nowMs), late));
    }
    if (!work.closed) this.#awaitReader(generation);
    return id;
  }

  /** Reads from behind the event of this number; `onMore` is called when there may be more. Undefined: none of this id, or another caller's. @throws OptionError for a number that is none */
  read(id: string, caller: Caller | undefined, after: number, onMore: () => void): Reading | undefined {
    const found = this.#find(id, caller);
    if (found === undefined) return undefined;
    if (after > found.state.last)
      throw new OptionError(
        `expected the number of an event of this stream, which has had ${String(found.state.last)}, got ${String(after)}`,
      );
    const me = {};
    let cursor = after;
    found.readers.set(me, onMore);
    if (found.state.endedMs === undefined) found.cancelTimer?.();
    return {
      take: () => {
        const events = found.state.after(cursor, mostAtOnce);
        if (events === 'lost') return events;
        cursor = events.at(-1)?.number ?? cursor;
        if (found.spec.resumeMs === 0) found.state.forget(cursor);
        return events;
      },
      isOver: () => found.state.endedMs !== undefined && cursor >= found.state.last,
      leave: () => {
        if (found.readers.delete(me) && found.readers.size === 0) this.#awaitReader(found);
      },
    };
  }

  /** Ends one that is wanted no more; its readers are told. False where there is none. */
  cancel(id: string, caller: Caller | undefined): boolean {
    const found = this.#find(id, caller);
    if (found === undefined) return false;
    this.#cancel(found, 'it was cancelled');
    return true;
  }

  /** Ends all that wait or run; their readers are told why. */
  cancelAll(why: string): void {
    for (const generation of [...this.#all.values()]) this.#cancel(generation, why);
  }

  /** Keeps nothing any more. */
  close(): void {
    this.cancelAll('the service has ended');
    for (const generation of [...this.#ended.keys()]) this.#forget(generation);
  }

  #find(id: string, caller: Caller | undefined): Generation | undefined {
    const found = this.#all.get(id);
    return found && (caller === undefined || found.spec.caller.name === caller.name) ? found : undefined;
  }

  #begin(generation: Generation): void {
    const { state, spec, work } = generation;
    const { clock } = this.#options;
    const { deadlineMs, context } = spec;
    let told = 0;
    let { attempt } = state;
    const subscription = inScope({ ...scopeOf(clock), deadlineMs, context, attempt }, () =>
      defer(() => spec.call()).subscribe({
        next: ({ text, tokens, tokenCount, toolCalls = [], usage, finishReason = 'stop', model = '', anew }) => {
          if (state.attempt !== attempt || state.endedMs !== undefined) return;
          if (anew === true) {
            this.#counts.retried += 1;
            state.restart();
            ({ attempt } = state);
            told = 0;
          }
          const count = tokenCount ?? tokens?.length ?? (text === '' && toolCalls.length === 0 ? 0 : 1);
          told += count;
          this.#counts.tokens += count;
          state.piece(text, count, tokens, clock.nowMs(), toolCalls);
          if (usage !== undefined) {
            generation.promptTokens = usage.inputTokens;
            this.#counts.tokens += Math.max(0, usage.outputTokens - told);
            this.#counts.completed += 1;
            state.end({ finishReason, usage, model }, clock.nowMs());
            this.#over(generation); // its place is free when the call completes
          } else this.#tell(generation);
        },
        error: (error: unknown) => this.#failed(generation, error),
        complete: () => {
          if (state.endedMs !== undefined) work.unsubscribe();
          else this.#fail(generation, new InferenceError('model_failed', 'the model ended its answer without saying what it took'));
        },
      }),
    );
    work.add(subscription);
  }

  #failed(generation: Generation, error: unknown): void {
    const { state, work } = generation;
    if (state.endedMs !== undefined) {
      work.unsubscribe();
      return;
    }
    const isWorkers = isStreamError(error) && error.code === 'model_crashed';
    if (!isWorkers || state.hasText || state.attempt >= mostAttempts || work.closed) {
      this.#fail(generation, error);
      return;
    }
    this.#counts.retried += 1;
    state.restart();
    work.add(this.#options.clock.schedule(0, () => this.#begin(generation))); // not on the stack of the call that failed
  }

  #cancel(generation: Generation, why: string): void {
    if (generation.state.endedMs !== undefined) return;
    this.#counts.cancelled += 1;
    generation.state.fail({ code: 'cancelled', message: why, retryAfterMs: undefined }, this.#options.clock.nowMs());
    generation.work.unsubscribe(); // stops the model, and frees its place
    this.#over(generation);
  }

  #fail(generation: Generation, error: unknown): void {
    if (generation.state.endedMs !== undefined) return;
    this.#counts.failed += 1;
    generation.state.fail(failureOf(error), this.#options.clock.nowMs());
    generation.work.unsubscribe();
    this.#over(generation);
  }

  #over(generation: Generation): void {
    const { clock, keepMs, maxKeptBytesInAll } = this.#options;
    const { state, spec } = generation;
    this.#ended.set(generation, state.bytes);
    this.#endedBytes += state.bytes;
    for (const oldest of this.#ended.keys()) {
      if (this.#endedBytes <= maxKeptBytesInAll || oldest === generation) break;
      this.#forget(oldest);
    }
    this.#tell(generation);
    const forget = (): void => {
      if (spec.resumeMs > 0 || generation.readers.size === 0) this.#forget(generation);
    };
    // it may end before whoever has started it can begin to read it
    generation.cancelTimer = clock.schedule(spec.resumeMs > 0 ? keepMs : 0, forget);
  }

  #forget(generation: Generation): void {
    const bytes = this.#ended.get(generation);
    if (bytes === undefined) return;
    this.#ended.delete(generation);
    this.#all.delete(generation.id);
    this.#endedBytes -= bytes;
    generation.cancelTimer?.();
    generation.work.unsubscribe();
  }

  #tell({ readers }: Generation): void {
    for (const onMore of [...readers.values()]) onMore();
  }

  #awaitReader(generation: Generation): void {
    const { spec, state, readers } = generation;
    if (state.endedMs !== undefined) {
      if (spec.resumeMs === 0) this.#forget(generation);
      return;
    }
    const gone = (): void => {
      if (readers.size === 0) this.#cancel(generation, 'nobody reads it any more');
    };
    // who starts one begins to read it before anything else can happen
    generation.cancelTimer = this.#options.clock.schedule(spec.resumeMs, gone);
    generation.work.add(generation.cancelTimer);
  }
}
