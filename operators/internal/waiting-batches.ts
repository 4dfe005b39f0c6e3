import { type BatchObserver, type Handle, ObservedPart } from '../../src/record/handle.ts';
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

  /** A batch that leaves now, of which this hears until its call begins; `watch` goes on to hear of it. */
  watched(handles: readonly Handle[], watch: BatchObserver | undefined): ObservedPart {
    let hasBegun = false; // what is queued after its call waits for its turn to leave, not for a call
    const part: ObservedPart = new ObservedPart(handles, {
      at: (place) => {
        watch?.at(place);
        hasBegun ||= place === 'calling';
        this.#at(part, hasBegun ? 'calling' : place);
      },
      waits: (change) => watch?.waits(change),
      ended: (madeOnce, completed) => watch?.ended(madeOnce, completed),
    });
    return part;
  }

  #at(part: Part, place: Place): void {
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
