import type { CancelTimer, Clock } from '../../clock.ts';
import type { PoolState } from './pool.state.ts';

/** Looks for a place again; true: the call does not wait any more. */
type Look = () => boolean;

/**
 * Calls that wait for a place with a model, in the order in which they came. They look again when a call ends, when a model joins, and when one is to be tried again.
 * Holds an entry a call, and one timer.
 */
export class WaitingCalls {
  readonly #pool: PoolState;
  readonly #waiting = new Set<Look>();
  #cancelTimer: CancelTimer | undefined;

  constructor(pool: PoolState) {
    this.#pool = pool;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** The result gives up the place. */
  enter(look: Look, clock: Clock): () => void {
    this.#waiting.add(look);
    this.#arm(clock);
    return () => {
      this.#waiting.delete(look);
      if (this.#waiting.size === 0) this.#disarm();
    };
  }

  /** A place may have come free. `isChanged`: or those may wait in vain for whom a model was the last. */
  look(isChanged: boolean, clock: Clock): void {
    for (const one of [...this.#waiting]) {
      if (!isChanged && !this.#pool.members.some((member) => member.mayBeAsked(clock.nowMs()))) break;
      if (this.#waiting.has(one) && one()) this.#waiting.delete(one);
    }
    this.#arm(clock);
  }

  /** Whoever is left alone is tried by those that wait. */
  #arm(clock: Clock): void {
    this.#disarm();
    if (this.#waiting.size === 0) return;
    const nowMs = clock.nowMs();
    const out = this.#pool.members.filter((one) => one.isOpen && one.health(nowMs) === 'open');
    if (out.length === 0) return;
    this.#cancelTimer = clock.schedule(Math.min(...out.map(({ untilMs }) => untilMs)) - nowMs, () => {
      this.look(true, clock);
    });
  }

  #disarm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
