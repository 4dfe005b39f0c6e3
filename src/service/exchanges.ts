import type { ServerResponse } from 'node:http';
import type { CancelTimer, Clock } from '../clock.ts';

const lookEveryMs = 20;

/** Requests from their head on to the last byte of their answer: what an end has to wait for. Holds an entry for each. */
export class Exchanges {
  readonly #clock: Clock;
  readonly #open = new Set<ServerResponse>();
  readonly #watchers = new Set<() => void>();
  readonly #stopping = new AbortController();
  readonly #givenUp = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Aborted when the service takes nothing new: what has no end of its own ends then. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Aborted when what still runs is waited for no longer. */
  get givenUp(): AbortSignal {
    return this.#givenUp.signal;
  }

  begin(response: ServerResponse): void {
    this.#open.add(response);
    // comes when the last byte was handed to the system, or the client has gone
    response.once('close', () => {
      this.#open.delete(response);
      for (const look of this.#watchers) look();
    });
  }

  stop(): void {
    this.#stopping.abort(new DOMException('the service is stopping', 'AbortError'));
  }

  giveUp(): void {
    this.stop();
    this.#givenUp.abort(new DOMException('the service is stopping', 'AbortError'));
  }

  /** Resolves when all answers have left and `andThat` holds, or at `untilMs`. */
  async settled(untilMs: number, andThat: () => boolean = () => true): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    let cancel: CancelTimer = () => undefined;
    const look = (): void => {
      if ((this.#open.size === 0 && andThat()) || this.#clock.nowMs() >= untilMs) resolve(undefined);
    };
    const again = (): void => {
      look();
      cancel = this.#clock.schedule(lookEveryMs, again);
    };
    this.#watchers.add(look);
    again();
    await promise;
    cancel();
    this.#watchers.delete(look);
  }
}
