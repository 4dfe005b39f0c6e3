import { defer, tap } from 'rxjs';
import { type Clock, OptionError, type Permits, type Release, requireInteger, requireNumber, systemClock } from 'millrace';
import type { Run } from './parallel-options.ts';
import { ShardPlan } from './shard-plan.state.ts';

export interface DynamicShardsOptions<T> {
  /** Bytes of the smallest shards. @defaultValue 1,048,576 (1 MiB) */
  readonly minBytes?: number;
  /** Bytes of the largest; passed by one item at most. @defaultValue 5,242,880 (5 MiB) */
  readonly maxBytes?: number;
  /** Items of one shard. @defaultValue 100,000 */
  readonly maxItems?: number;
  /** Shards that are worked on at once. @defaultValue 16 */
  readonly maxConcurrency?: number;
  /** Their bytes together. @defaultValue 41,943,040 (40 MiB): 16 of 1 MiB or 8 of 5 MiB */
  readonly bytesAtOnce?: number;
  /** How long one shard should take, in ms. @defaultValue 500 */
  readonly targetMs?: number;
  /** Bytes of an item. @defaultValue of texts their length in UTF-8, of bytes theirs; needed for anything else */
  readonly sizeOf?: (item: T) => number;
  /** @defaultValue the system clock */
  readonly clock?: Clock;
}

export interface Shard<T> {
  readonly index: number;
  readonly items: readonly T[];
  readonly bytes: number;
}

/** Shards, and what an engine needs to work on them as planned. */
export interface DynamicShards<T> extends AsyncIterable<Shard<T>> {
  /** For `parallel({ permits })`: as many shards at once as the plan says now. */
  readonly permits: Permits;
  /** Around the work of one shard: measures it, for the plan. */
  run<Out>(work: Run<Shard<T>, Out>): Run<Shard<T>, Out>;
  readonly plan: { readonly shardBytes: number; readonly concurrency: number };
}

/**
 * Puts items together into shards whose size follows what was measured: as large as takes `targetMs`, from `minBytes` to `maxBytes`; and says how many to work on at once. Read lazily; holds one shard.
 *
 * `const shards = dynamicShards(lines); parallel({ run: shards.run(work), permits: shards.permits, maxWorkers: 16 }).submit(shards)`
 * @throws OptionError for options out of range.
 */
export function dynamicShards<T>(source: AsyncIterable<T> | Iterable<T>, options: DynamicShardsOptions<T> = {}): DynamicShards<T> {
  const { minBytes = 2 ** 20, maxBytes = 5 * 2 ** 20, maxItems = 100_000, maxConcurrency = 16, targetMs = 500 } = options;
  const { bytesAtOnce = 40 * 2 ** 20, sizeOf = bytesOf, clock = systemClock } = options;
  requireInteger('dynamicShards.minBytes', minBytes, 1);
  requireInteger('dynamicShards.maxBytes', maxBytes, minBytes);
  requireInteger('dynamicShards.maxItems', maxItems, 1);
  requireInteger('dynamicShards.maxConcurrency', maxConcurrency, 1);
  requireInteger('dynamicShards.bytesAtOnce', bytesAtOnce, 1);
  requireNumber('dynamicShards.targetMs', targetMs, 1);
  const plan = new ShardPlan({ minBytes, maxBytes, maxConcurrency, bytesAtOnce, targetMs });
  const gate = new ShardGate(plan);
  async function* shards(): AsyncGenerator<Shard<T>, void, undefined> {
    let items: T[] = [];
    let bytes = 0;
    let index = 0;
    for await (const item of source) {
      const size = sizeOf(item);
      if (items.length > 0 && (bytes + size > plan.shardBytes || items.length >= maxItems)) {
        yield { index, items, bytes };
        index += 1;
        items = [];
        bytes = 0;
      }
      items.push(item);
      bytes += size;
    }
    if (items.length > 0) yield { index, items, bytes };
  }
  return {
    plan,
    permits: gate,
    [Symbol.asyncIterator]: shards,
    run: (work) => (shard, given) =>
      defer(() => {
        const startedMs = clock.nowMs();
        return work(shard, given).pipe(
          tap({
            complete: () => {
              plan.measured(shard.bytes, clock.nowMs() - startedMs);
            },
          }),
        );
      }),
  };
}

function bytesOf(item: unknown): number {
  if (typeof item === 'string') return Buffer.byteLength(item);
  if (ArrayBuffer.isView(item)) return item.byteLength;
  throw new OptionError(`dynamicShards needs sizeOf for items that are neither text nor bytes, got ${typeof item}`);
}

/** Permits as many as the plan says at the moment, first come first served. */
class ShardGate implements Permits {
  readonly #plan: ShardPlan;
  readonly #waiting = new Set<(release: Release) => void>();
  #used = 0;

  constructor(plan: ShardPlan) {
    this.#plan = plan;
  }

  get limit(): number {
    return this.#plan.concurrency;
  }

  get used(): number {
    return this.#used;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  acquire(granted: (release: Release) => void): Release {
    let isFree = false;
    const free: Release = () => {
      if (isFree || this.#waiting.delete(granting)) return;
      isFree = true;
      this.#used -= 1;
      this.#grant();
    };
    const granting = (): void => granted(free);
    this.#waiting.add(granting);
    this.#grant();
    return free;
  }

  describe(): ReturnType<Permits['describe']> {
    return { name: 'shards', kind: 'permits', used: this.#used, limit: this.limit, waiting: this.waiting };
  }

  #grant(): void {
    for (const one of this.#waiting) {
      if (this.#used >= this.limit) return;
      this.#waiting.delete(one);
      this.#used += 1;
      one(() => undefined);
    }
  }
}
