import type { CancelTimer, Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { withoutSecrets } from '../../without-secrets.ts';
import type { EngineGateState, EngineLoad } from '../engine-gate.state.ts';

export interface EnginePollOptions {
  readonly read: (signal: AbortSignal) => Promise<EngineLoad>;
  readonly state: EngineGateState;
  readonly pollMs: number;
  /** A question that is not answered by then has failed. */
  readonly timeoutMs: number;
  /** Whether anybody wants to know. */
  readonly isWanted: () => boolean;
  /** After each answer, and each failure. */
  readonly onAnswer: () => void;
}

/** Asks an engine how it is, one question at a time, for as long as somebody waits for the answer. Holds one timer, or one request. */
export class EnginePoll {
  readonly #options: EnginePollOptions;
  #cancel: CancelTimer | undefined;
  #asking: AbortController | undefined;
  #trouble: string | undefined;
  #nextMs = 0;
  #rests = false;

  constructor(options: EnginePollOptions) {
    this.#options = options;
  }

  /** Why the last question was not answered. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** When the next question is due. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** Begins to ask, if it does not already. */
  wake(clock: Clock, random: () => number): void {
    if (this.#asking || this.#cancel) return;
    if (this.#rests && this.#trouble === undefined) this.#options.state.rested(clock.nowMs());
    this.#rests = false;
    void this.#ask(clock, random);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#asking?.abort();
    this.#asking = undefined;
  }

  async #ask(clock: Clock, random: () => number): Promise<void> {
    const { read, state, pollMs, timeoutMs, isWanted, onAnswer } = this.#options;
    const asking = new AbortController();
    this.#asking = asking;
    this.#nextMs = clock.nowMs() + pollMs;
    const stopTimer = clock.schedule(timeoutMs, () => {
      asking.abort(new Error(`no answer within ${String(timeoutMs)} ms`));
    });
    state.asked();
    try {
      const load = await unlessAborted(read(asking.signal), asking.signal);
      state.heard(load, state.unseen, clock.nowMs(), random());
      this.#trouble = undefined;
    } catch (error) {
      this.#trouble = withoutSecrets(messageOf(error));
    }
    stopTimer();
    if (this.#asking !== asking) return; // stopped
    this.#asking = undefined;
    const waitMs = pollMs * (0.9 + 0.2 * random()); // several processes must not ask in step
    this.#nextMs = clock.nowMs() + waitMs;
    this.#cancel = clock.schedule(waitMs, () => {
      this.#cancel = undefined;
      if (isWanted()) void this.#ask(clock, random);
      else this.#rests = true;
    });
    onAnswer();
  }
}

/** A reader may ignore its signal; the gate does not wait for it. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('stopped'));
    });
    work.then(resolve, reject);
  });
}
