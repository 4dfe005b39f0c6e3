export interface QueueDepthOptions {
  /** What is always taken: enough for all places, and for a choice among those that wait. */
  readonly least: number;
  readonly most: number;
}

/** Work that is taken ahead: what waits in the order cannot be adjusted any more, and what does not wait leaves places empty. */
const aheadMs = 1_000;
const lookEveryMs = 250;

/**
 * How many tasks are taken and not ended: as many as end within a second, as measured, within bounds. So the queue is deep where tasks are short, and where they are long an urgent one, a new weight or a cancelled
 * submission meets few that were taken before.
 */
export class QueueDepth {
  readonly #options: QueueDepthOptions;
  #limit: number;
  #ended = 0;
  #sinceMs: number | undefined;

  constructor(options: QueueDepthOptions) {
    this.#options = options;
    this.#limit = Math.min(options.least, options.most);
  }

  get limit(): number {
    return this.#limit;
  }

  /** A task has ended. */
  ended(nowMs: number): void {
    this.#sinceMs ??= nowMs;
    this.#ended += 1;
    const forMs = nowMs - this.#sinceMs;
    if (forMs < lookEveryMs) return;
    const { least, most } = this.#options;
    this.#limit = Math.min(most, Math.max(least, Math.ceil((this.#ended / forMs) * aheadMs)));
    this.#ended = 0;
    this.#sinceMs = nowMs;
  }
}
