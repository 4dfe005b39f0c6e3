import type { Clock } from '../../../clock.ts';
import type { WorkEvent } from '../protocol.ts';

/** Pieces of one step of the batch arrive within this; long enough to join them, too short to be seen. */
const gatherMs = 5;

/**
 * Gathers the events of all works for up to 5 ms and sends them as one message; pieces of one text that follow each other
 * become one. Ends (`done`, `failed`) leave at once, with all that came before.
 */
export class Outbox {
  readonly #send: (events: readonly WorkEvent[]) => void;
  readonly #clock: Clock;
  #events: WorkEvent[] = [];
  #waiting = false;

  constructor(send: (events: readonly WorkEvent[]) => void, clock: Clock) {
    this.#send = send;
    this.#clock = clock;
  }

  push(event: WorkEvent): void {
    const last = this.#events.at(-1);
    if (event.kind === 'text' && last?.kind === 'text' && last.id === event.id) {
      this.#events[this.#events.length - 1] = joined(last, event);
    } else this.#events.push(event);
    if (event.kind !== 'text') this.flush();
    else if (!this.#waiting) {
      this.#waiting = true;
      this.#clock.schedule(gatherMs, () => {
        this.#waiting = false;
        this.flush();
      });
    }
  }

  /** Forgets what was to be told of a work. */
  drop(id: number): void {
    this.#events = this.#events.filter((event) => event.id !== id);
  }

  flush(): void {
    const events = this.#events;
    this.#events = [];
    if (events.length > 0) this.#send(events);
  }
}

type TextEvent = WorkEvent & { readonly kind: 'text' };

function joined(a: TextEvent, b: TextEvent): TextEvent {
  const both = { ...a, text: a.text + b.text, tokenCount: a.tokenCount + b.tokenCount };
  return a.tokens === undefined && b.tokens === undefined ? both : { ...both, tokens: [...(a.tokens ?? []), ...(b.tokens ?? [])] };
}
