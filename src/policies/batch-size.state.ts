export interface BatchSizeRules {
  readonly targetLatencyMs: number;
  readonly min: number;
  readonly max: number;
}

/** What a call for a batch took. */
export interface BatchSample {
  /** Members of the batch. */
  readonly size: number;
  /** The size that was allowed when the batch left. */
  readonly limit: number;
  /** How often the limit had changed by then. */
  readonly generation: number;
  readonly latencyMs: number;
  /** False: it failed or was aborted; its latency says at most that it is too long. */
  readonly completed: boolean;
}

const shrinkBy = 0.9; // of Clipper: as little as still leaves the target fast
const shrinkAtMostBy = 0.5;
const closeEnough = 0.95; // of the target: there it stays, and does not step over it again and again
const growByShare = 0.01;
const patience = 20; // full batches before a size is tried again that took too long

/**
 * How many values a batch may hold so that its call takes a given time: doubled until a call takes longer, then up by one
 * (or 1 %) for each full batch that is well below the target (but only after 20 of them to what took too long before), and down by a tenth (a half at most) for one above it.
 *
 * What was sent under an older limit has no say: of several calls in flight one moves the limit, not each of them.
 */
export class BatchSize {
  readonly #rules: BatchSizeRules;
  #limit: number;
  #generation = 0;
  #ramping = true;
  /** The last size that took too long, and how many full batches have gone well just below it. */
  #ceiling = Number.POSITIVE_INFINITY;
  #wellBelow = 0;

  constructor(rules: BatchSizeRules) {
    this.#rules = rules;
    this.#limit = rules.min;
  }

  get limit(): number {
    return this.#limit;
  }

  get generation(): number {
    return this.#generation;
  }

  /** A call has ended. */
  took({ size, limit, generation, latencyMs, completed }: BatchSample): void {
    if (generation !== this.#generation) return;
    const { targetLatencyMs } = this.#rules;
    if (latencyMs > targetLatencyMs) {
      if (size <= limit) this.#shrink(targetLatencyMs / latencyMs);
    } else if (completed && size >= limit && latencyMs <= targetLatencyMs * closeEnough) this.#grow();
  }

  #grow(): void {
    const next = this.#limit + (this.#ramping ? this.#limit : Math.ceil(this.#limit * growByShare));
    this.#wellBelow += 1;
    if (next >= this.#ceiling && this.#wellBelow < patience) return; // after that the service may have become faster
    this.#move(next);
  }

  #shrink(share: number): void {
    this.#ramping = false;
    this.#ceiling = this.#limit;
    this.#wellBelow = 0;
    const factor = Math.max(shrinkAtMostBy, Math.min(shrinkBy, share));
    this.#move(Math.floor(this.#limit * factor));
  }

  #move(limit: number): void {
    const { min, max } = this.#rules;
    this.#limit = Math.max(min, Math.min(max, limit));
    this.#generation += 1;
  }
}
