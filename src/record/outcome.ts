import type { OutputPosition } from './record.ts';
import type { FailedTry } from './tries.ts';

/** How a source record ends. A record made of several parts ends as the worst of theirs. */
export type Outcome = 'done' | 'dropped' | 'failed' | 'given-back';

/** The end of a source record, with what the runtime needs to act on it. */
export type Verdict =
  /** Every part's output is acknowledged. */
  | { readonly outcome: 'done'; readonly outputs: readonly OutputPosition[] }
  /** Nothing was to be written, on purpose. */
  | { readonly outcome: 'dropped'; readonly reason: string }
  /**
   * At least one part failed; `outputs` are the parts that were written all the same, `attempts` the calls that ran, `tries`
   * those of them that were followed by another one.
   */
  | {
      readonly outcome: 'failed';
      readonly error: Error;
      readonly outputs: readonly OutputPosition[];
      readonly attempts: number;
      readonly tries: readonly FailedTry[];
      /** When it failed, in the clock's milliseconds. */
      readonly atMs: number;
    }
  /** Not committed; the record is delivered again. */
  | { readonly outcome: 'given-back'; readonly reason: string };

const badness = { dropped: 0, done: 1, failed: 2, 'given-back': 3 } as const satisfies Record<Outcome, number>;

/** The worse of two outcomes: given back, then failed, then done, then dropped. */
export const worse = (a: Outcome, b: Outcome): Outcome => (badness[a] >= badness[b] ? a : b);

/** Who is told of a record's way. Each is called at most once. */
export interface SettlementObserver {
  /** The first call for it starts. */
  begun?(): void;
  /** Every part is in the sink's hands, failed or dropped: the next record of its lane may start. */
  handed(): void;
  /** The record is settled. */
  decided(verdict: Verdict): void;
}

/** Why a record is given back for which no call was made yet: nothing is done again. */
export const notBegun = 'its work had not begun';
