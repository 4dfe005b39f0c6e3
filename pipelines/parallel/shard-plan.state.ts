/** Bounds of shards. */
export interface ShardBounds {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxConcurrency: number;
  /** Bytes of shards that are worked on at once. */
  readonly bytesAtOnce: number;
  /** How long one shard should take. */
  readonly targetMs: number;
}

/** Of the speed measured, what the newest shard counts. */
const newestShare = 0.3;

/**
 * How large shards are, and how many are worked on at once. Large ones cost less each, small ones spread better and fail cheaper: so as large as takes `targetMs`, within the bounds; and as many at once as
 * `bytesAtOnce` holds. It begins with the smallest.
 */
export class ShardPlan {
  readonly #bounds: ShardBounds;
  /** Of one shard, while others ran beside it. */
  #bytesPerMs: number | undefined;

  constructor(bounds: ShardBounds) {
    this.#bounds = bounds;
  }

  /** A shard of so many bytes has taken so long. */
  measured(bytes: number, ms: number): void {
    const speed = bytes / Math.max(ms, 1e-3);
    this.#bytesPerMs = this.#bytesPerMs === undefined ? speed : (1 - newestShare) * this.#bytesPerMs + newestShare * speed;
  }

  get shardBytes(): number {
    const { minBytes, maxBytes, targetMs } = this.#bounds;
    return Math.round(Math.min(maxBytes, Math.max(minBytes, (this.#bytesPerMs ?? 0) * targetMs)));
  }

  get concurrency(): number {
    const { bytesAtOnce, maxConcurrency } = this.#bounds;
    return Math.max(1, Math.min(maxConcurrency, Math.floor(bytesAtOnce / this.shardBytes)));
  }
}
