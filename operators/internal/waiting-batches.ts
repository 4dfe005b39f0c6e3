import type { Subscriber } from 'rxjs';
import type { Clock } from '../../src/clock.ts';
import { type BatchEnvelope, type Envelope, together } from '../../src/record/envelope.ts';
import { type BatchObserver, type Handle, ObservedPart } from '../../src/record/handle.ts';
import type { Part, Place } from '../../src/record/part.ts';
import type { BatchSizing } from './batch-size.ts';
import type { Guard } from './operate.ts';
import { sendDownstream } from './send-downstream.ts';

export interface WaitingBatchesOptions<T, K> {
  readonly size: BatchSizing;
  readonly out: Subscriber<BatchEnvelope<T, K>>;
  readonly guard: Guard;
  /** Told soon after one of them, or several, wait no more. */
  readonly changed: () => void;
}

/** Batches that have left and wait for a call downstream: as many as the queue there holds. */
export class WaitingBatches<T, K> {
  readonly #options: WaitingBatchesOptions<T, K>;
  readonly #parts = new Map<Part, () => void>();
  #willTell = false;

  constructor(options: WaitingBatchesOptions<T, K>) {
    this.#options = options;
  }

  get any(): boolean {
    return this.#parts.size > 0;
  }

  /** Sends a batch downstream, and counts it here until its call begins. */
  send(members: readonly { readonly envelope: Envelope<T, K>; readonly handle: Handle }[], clock: Pick<Clock, 'nowMs'>): void {
    const { out, size } = this.#options;
    const envelopes = members.map(({ envelope }) => envelope);
    const handles = members.map(({ handle }) => handle);
    sendDownstream(out, together(envelopes, this.#watched(handles, size.observe?.(members.length, clock))));
  }

  /** Of which this hears until its call begins; `watch` goes on to hear of it. */
  #watched(handles: readonly Handle[], watch: BatchObserver | undefined): ObservedPart {
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
    this.#tellSoon();
  }

  /** A call begins in the midst of another operator's work: what follows from it waits until that is through. */
  #tellSoon(): void {
    if (this.#willTell) return;
    this.#willTell = true;
    const { guard, changed } = this.#options;
    queueMicrotask(
      guard(() => {
        this.#willTell = false;
        changed();
      }),
    );
  }
}
