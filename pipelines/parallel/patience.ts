import { type Clock, InferenceError } from 'millrace';

interface PatienceOptions {
  readonly clock: Clock;
  /** The longest that nothing ends while something is asked. */
  readonly ms: number;
  readonly isAsking: () => boolean;
  /** Runs once. */
  readonly onEnd: (error: InferenceError) => void;
}

const lookEveryMs = 1_000;

/** Waits for a model that is away, but not without end. */
export class Patience {
  readonly #options: PatienceOptions;
  #sinceMs: number;
  #said = '';
  #cancel: () => void;

  constructor(options: PatienceOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.nowMs();
    this.#cancel = options.clock.schedule(lookEveryMs, this.#look);
  }

  /** Something has ended, in an answer or for its own fault. */
  answered(): void {
    this.#sinceMs = this.#options.clock.nowMs();
    this.#said = '';
  }

  /** A task has ended since the model failed: nothing to wait longer for. */
  failed({ message }: Error): void {
    this.#said = `; it said last: ${message}`;
  }

  stop(): void {
    this.#cancel();
  }

  readonly #look = (): void => {
    const { clock, ms, isAsking, onEnd } = this.#options;
    if (!isAsking()) this.answered();
    if (clock.nowMs() - this.#sinceMs > ms) {
      onEnd(
        new InferenceError(
          'model_unavailable',
          `the model has not answered for ${String(Math.round(ms / 1_000))} s: start it, and give the same command again; what is finished is kept${this.#said}`,
        ),
      );
      return;
    }
    this.#cancel = clock.schedule(lookEveryMs, this.#look);
  };
}
