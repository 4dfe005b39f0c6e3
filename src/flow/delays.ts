import type { CancelTimer, Clock } from '../clock.ts';
import type { SourceRecord } from '../record/record.ts';
import type { RetryTopic } from '../retry-options.ts';
import { notBeforeOf } from './origin.ts';
import type { Owned } from './owned.ts';
import { Parking } from './parking.state.ts';

export interface DelaysOptions {
  readonly clock: Clock;
  readonly retryTopics: readonly RetryTopic[];
  /** The first record of this partition is due. */
  readonly each: (owned: Owned) => void;
  /** Told after all that are due at one time. */
  readonly due: () => void;
}

/**
 * Keeps partitions of retry topics aside until their first record is due; all others go on. All records of such a topic wait
 * equally long, so the first one is due first. Holds an entry per partition that waits, and one timer.
 */
export class Delays {
  readonly #options: DelaysOptions;
  readonly #longestMs: number;
  readonly #parking = new Parking<Owned>();
  #cancel: CancelTimer = () => undefined;

  constructor(options: DelaysOptions) {
    this.#options = options;
    this.#longestMs = Math.max(0, ...options.retryTopics.map(({ delayMs }) => delayMs));
  }

  isDelayed(topic: string): boolean {
    return this.#options.retryTopics.some(({ name }) => name === topic);
  }

  /** Whether `head` has to wait; then its partition is kept aside until it is due. */
  parks(owned: Owned, head: SourceRecord): boolean {
    if (!owned.isDelayed || owned.dueHead === head.offset) return false;
    const nowMs = this.#options.clock.nowMs();
    // by the clock of whoever wrote it, which may be wrong: nothing waits longer than the longest wait there is, rounded up as it is noted
    const dueMs = Math.min(notBeforeOf(head), Math.ceil(nowMs + this.#longestMs));
    if (dueMs <= nowMs) return false;
    this.#parking.park(owned, dueMs);
    this.#schedule();
    return true;
  }

  forget(owned: Owned): void {
    this.#parking.leave(owned);
  }

  stop(): void {
    this.#cancel();
  }

  #schedule(): void {
    this.#cancel();
    const { clock, each, due } = this.#options;
    const { nextMs } = this.#parking;
    if (nextMs === undefined) return;
    this.#cancel = clock.schedule(Math.max(1, nextMs - clock.nowMs()), () => {
      for (const owned of this.#parking.due(clock.nowMs())) {
        owned.dueHead = owned.ahead.peek()?.offset;
        each(owned);
      }
      this.#schedule();
      due();
    });
  }
}
