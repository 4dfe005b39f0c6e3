export interface CacheLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

interface Entry<V> {
  readonly value: V;
  readonly bytes: number;
  readonly untilMs: number;
}

const perEntryBytes = 200; // what an entry costs on the heap beside key and value, about

/** Values by key: at most so many bytes, the least recently used go first, none older than its time. */
export class CacheState<V> {
  readonly #limits: CacheLimits;
  readonly #entries = new Map<string, Entry<V>>(); // in the order of use, oldest first
  #bytes = 0;

  constructor(limits: CacheLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string, nowMs: number): V | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (entry.untilMs <= nowMs) {
      this.#bytes -= entry.bytes;
      return undefined;
    }
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** How many others had to go for it; undefined: it is larger than the whole, and was not kept. */
  set(key: string, value: V, valueBytes: number, nowMs: number): number | undefined {
    this.delete(key);
    const bytes = key.length * 2 + valueBytes + perEntryBytes;
    if (bytes > this.#limits.maxBytes) return undefined;
    this.#entries.set(key, { value, bytes, untilMs: nowMs + this.#limits.maxAgeMs });
    this.#bytes += bytes;
    let gone = 0;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#limits.maxBytes) break;
      this.delete(oldest);
      gone += 1;
    }
    return gone;
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }

  /** Those that were set at that time or before. */
  deleteUntil(ms: number): void {
    for (const [key, { untilMs }] of this.#entries) if (untilMs <= ms + this.#limits.maxAgeMs) this.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
