import type { OutputPosition, Position } from './record.ts';
import type { RecordContext } from './record-context.ts';
import type { ModelUse, Spending } from './spending.ts';
import type { FailedTry } from './tries.ts';

/** Why a call or a wait must end although its part of the record has not. */
export type EndReason = 'closed' | 'deadline';

/**
 * What an operator does with a part at the moment: decides what passing the deadline means for it. `bound`: queued as a member of
 * a batch, whose call will be made for all of them. `kept`: for windows to come; nobody works on it until other records are there.
 */
export type Place = 'flowing' | 'queued' | 'bound' | 'kept' | 'calling';

/** When a record entered the window. */
export interface Arrival {
  /** In the clock's milliseconds. */
  readonly takenMs: number;
  /** Of all that were taken; who came later has a higher one. */
  readonly number: number;
}

/** A source record as its parts know it; told apart by identity. */
export interface Root {
  readonly position: Position;
  /** Undefined where no source has taken it, as in tests of operators. */
  readonly arrival?: Arrival | undefined;
}

/** The claim that one envelope holds on the records it descends from. Operators and the sink speak to it. */
export interface Part {
  /** False once nobody waits for this part: its records were given back, or it is settled. */
  readonly live: boolean;
  /** When the time of its records is up (the earliest of several), in the clock's milliseconds. */
  readonly deadlineMs: number;
  readonly depth: number;
  /** How many open claims this is: 1, or for a batch the open ones of its members. */
  readonly claims: number;
  /** The records it is a claim on that still count, each once. */
  readonly roots: readonly Root[];
  /** A new claim on the same records, one operator further on; for `split`. */
  fork(): Part;
  /** Ends this claim without a say in the outcome: its forks answer for the records. */
  retire(): void;
  /** The part passed one operator. */
  advance(): void;
  /** The context of its records from here on, as code has set it. */
  setContext(context: RecordContext): void;
  /** Says what is done with the part. The first `calling` starts its record's time anew: a wait in a queue is ours, not the record's. */
  at(place: Place): void;
  /**
   * The time of its records stands still until the result is called: a call waits for a policy, which is no fault of theirs. Waits of
   * one record overlap; its time goes on after the last one.
   * @param isUncalled whether nothing of the call has been let pass by now: then letting go gives the record back instead of waiting.
   */
  suspend(isUncalled?: () => boolean): () => void;
  /** Counts calls that ran for the records of this part; `failed` are those that were followed by another one, `completed` says how the last one ended. */
  attempted(calls: number, failed: readonly FailedTry[], completed: boolean): void;
  /** A call for the records of this part has used a model; of a batch each has its share: that of `index` among `count`. */
  spent(use: ModelUse, index?: number, count?: number): void;
  /** What models have used for its records so far; undefined where none has. */
  readonly spending: Spending | undefined;
  /** Calls `end` when the part is closed from outside or its deadline passes; the result takes the listener away. */
  onEnd(end: (reason: EndReason) => void): () => void;
  /** The sink has taken the output in order. */
  handed(): void;
  /** False when the part was settled before, or its records are closed. */
  settle(outcome: 'done', output?: OutputPosition): boolean;
  settle(outcome: 'dropped', reason: string): boolean;
  settle(outcome: 'failed', error: Error): boolean;
}
