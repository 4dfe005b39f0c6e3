import type { Part, Place } from '../../src/record/part.ts';

/** Batches that have left and wait for a call downstream: as many as the queue there holds. */
export class WaitingBatches {
  readonly #parts = new Map<Part, () => void>();
  readonly #changed: () => void;

  /** @param changed told when one of them waits no more; in the midst of an operator's work. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get any(): boolean {
    return this.#parts.size > 0;
  }

  /** Where a batch is now. */
  at(part: Part, place: Place): void {
    if (place !== 'queued') this.#leave(part);
    else if (!this.#parts.has(part)) {
      // given back, or late: it will never be called for
      const unlisten = part.onEnd(() => {
        this.#leave(part);
      });
      this.#parts.set(part, unlisten);
    }
  }

  clear(): void {
    for (const unlisten of this.#parts.values()) unlisten();
    this.#parts.clear();
  }

  #leave(part: Part): void {
    const unlisten = this.#parts.get(part);
    if (!unlisten) return;
    this.#parts.delete(part);
    unlisten();
    this.#changed();
  }
}
