import { Fifo } from '../fifo.ts';
import type { Ordering } from '../record/ordering.ts';

/** The lane of a record: those of one lane run one after the other. Undefined: it waits for nobody. */
export function laneOf(ordering: Ordering, key: Uint8Array | null): string | undefined {
  if (ordering === 'partition') return '';
  if (ordering === 'none' || key === null) return undefined;
  const bytes = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return bytes.toString('latin1'); // one char a byte: equal only if the bytes are
}

/**
 * The lanes of one partition. They stand before `process`, so the order holds whatever operators a pipeline uses.
 * Holds an entry per lane with a record in it, and nothing of lanes that are empty: 1,000,000 distinct keys leave no trace.
 */
export class Lanes<T> {
  /** Who waits behind the record that runs; `null` when nobody does, which is most keys. */
  readonly #busy = new Map<string, Fifo<T> | null>();
  #waiting = 0;

  /** Lanes with a record in them. */
  get busy(): number {
    return this.#busy.size;
  }

  /** Records that wait behind another. */
  get waiting(): number {
    return this.#waiting;
  }

  /** True when `item` may run now; otherwise it waits until `leave` hands it out. */
  enter(lane: string | undefined, item: T): boolean {
    if (lane === undefined) return true;
    const queue = this.#busy.get(lane);
    if (queue === undefined) {
      this.#busy.set(lane, null);
      return true;
    }
    const waiting = queue ?? new Fifo<T>();
    if (queue === null) this.#busy.set(lane, waiting);
    waiting.push(item);
    this.#waiting += 1;
    return false;
  }

  /** The record that ran in `lane` is through; the result may run now. */
  leave(lane: string | undefined): T | undefined {
    if (lane === undefined) return undefined;
    const next = this.#busy.get(lane)?.shift();
    if (next === undefined) this.#busy.delete(lane);
    else this.#waiting -= 1;
    return next;
  }
}
