import type { Ordering } from './ordering.ts';
import type { Part } from './part.ts';
import type { Position } from './record.ts';
import type { TokenUsage } from './token-usage.ts';

/** The part of a clock that the vocabulary needs; see `clock.ts`. */
interface Timers {
  nowMs(): number;
  schedule(delayMs: number, callback: () => void): () => void;
}

/** What bounds the retries of many calls together; see `retryBudget`. */
export interface RetryLimit {
  /** The first attempt of a call begins. */
  called(nowMs: number): void;
  /** Calls `granted` when a retry may begin, perhaps before this returns; the result gives up its place. */
  retry(request: { readonly clock: Timers; readonly random: () => number; granted(): void }): () => void;
}

/**
 * What an envelope knows of the pipeline that runs it. Operators reach the clock, the source and the idle signal
 * through the envelopes they are given, so they stay plain values that need no wiring.
 */
export interface Run {
  readonly clock: Timers;
  /** What of the pipeline an operator must suit; undefined in tests of operators. */
  readonly promises?: {
    readonly ordering: Ordering;
    readonly delivery: 'at-least-once' | 'exactly-once';
    readonly maxRecordsInFlight: number;
  };
  /** Chance, from 0 up to 1: for waits that are not to fall together. */
  readonly random: () => number;
  /** How many open parts stand at which depth of the pipeline. */
  readonly open: OpenParts;
  /** Asks the source to hold back until `untilMs` (in the clock's time), and to say why. Holds overlap; the latest wins. */
  hold(reason: string, untilMs: number): void;
  /** How many calls wait for a policy at present, by its reason. */
  readonly waits?: Map<string, number>;
  /** How calls are tried again that have no retry operator; undefined: they are not. */
  readonly retry?: {
    readonly attempts: number;
    readonly initialMs: number;
    readonly maxMs: number;
    readonly maxPauseMs?: number;
    readonly budget?: RetryLimit | undefined;
  };
  /**
   * What is being sent downstream at this moment, by the source or by an operator that has waited: a stream that ends
   * meanwhile was ended by it. Whoever emits sets it, and puts back what it was.
   */
  emitting?: Part | undefined;
  /** Looks whether the records in flight are still ours; closes their parts if not. To be asked before a call starts. */
  verify(): void;
  /** Told of each part that fails, before its record is settled: for logs and counters. */
  failed(error: Error): void;
  /** Whether outputs and dead letters say which models have answered, and what that took: see `Spending`. */
  readonly modelHeaders?: boolean;
  /** Told of what a model has used for an answer: for counters. */
  readonly used?: (usage: TokenUsage) => void;
  /** Told of what the call for this record has thrown where nobody awaits it, when the call was over: too late to fail it. */
  strayed?(position: Position, error: unknown): void;
}

/**
 * Why the source emits nothing. `full`: until something in flight is settled, or through. `shut`: whatever is settled, as when it
 * was stopped, or a policy holds it.
 */
export type SourceBlock = 'full' | 'shut';

/**
 * Counts the open parts of a run by their depth (how many operators they have passed), so that an operator which
 * waits for company can ask whether any can still come. Holds one number per depth.
 */
export class OpenParts {
  readonly #atDepth: number[] = [];
  readonly #listeners = new Set<() => void>();
  #open = 0;
  #resting = 0;
  #leaving = 0;
  #block: SourceBlock | undefined;
  #scheduled = false;

  /** Called by the source after each round; undefined while it emits what comes. */
  setSourceBlocked(block: SourceBlock | undefined): void {
    this.#block = block;
    this.#changed();
  }

  moved(depth: number, change: 1 | -1): void {
    this.#atDepth[depth] = (this.#atDepth[depth] ?? 0) + change;
    this.#open += change;
    this.#changed();
  }

  /** One of the open parts begins to wait in a queue of ours, or no longer does. */
  rests(change: 1 | -1): void {
    this.#resting += change;
    this.#changed();
  }

  /** The pipeline is through with a record whose place is not free yet: its outputs, or its dead letter, are on their way. */
  leaves(change: 1 | -1): void {
    this.#leaving += change;
    this.#changed();
  }

  /**
   * Whether the source is about to emit: it is open, or somebody is at work whose end will make room. A window that is full of what
   * rests in queues stays so; one with calls under way is full for a moment, and to take every such moment for the last word would
   * send the records of a backlog one by one, as their places come free.
   */
  get mayEmit(): boolean {
    return this.#block === undefined || (this.#block === 'full' && this.#open - this.#resting + this.#leaving > 0);
  }

  /** Whether nothing beyond the `waiting` parts, which rest, can reach an operator that holds them at `depth`. */
  nothingMoreCan(waiting: number, depth: number): boolean {
    if (this.mayEmit) return false;
    let upstream = 0;
    for (let d = 0; d <= depth; d += 1) upstream += this.#atDepth[d] ?? 0;
    return upstream <= waiting;
  }

  /** Calls `listener` soon, and after each change that may answer `nothingMoreCan` anew; the result ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#changed(); // a listener that comes when all is still would never be told
    return () => {
      this.#listeners.delete(listener);
    };
  }

  // Coalesced into one microtask: a burst of emissions is judged when it is over, not in its middle.
  #changed(): void {
    if (this.#scheduled || this.#block === undefined || this.#listeners.size === 0) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      for (const listener of [...this.#listeners]) listener();
    });
  }
}
