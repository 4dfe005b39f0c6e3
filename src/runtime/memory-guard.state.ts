/** From `soft` on less is done, from `hard` on nothing more is taken; in bytes. */
export interface MemoryLimit {
  readonly soft: number;
  readonly hard: number;
}

/** What the process uses, or may use: all its memory, and JavaScript's heap. */
export interface MemoryKinds<T> {
  readonly rss: T;
  readonly heap: T;
}

export interface MemoryDecision {
  /** Of the caps on what is in flight: 1 is all, 0 is nothing. */
  readonly share: number;
  /** Caches are to be dropped now: at each look above a limit, or they would fill again what there is. */
  readonly shed: boolean;
  /** A collection is to be asked for now. */
  readonly collect: boolean;
  /** What is above which limit; undefined while nothing is. */
  readonly why: string | undefined;
}

/** A full collection of a large heap stands in the way of everything for a second or more. */
const collectEveryMs = 10_000;
/** What is let in again in one step: a window that springs open fills the memory anew. */
const mostRise = 0.25;

const kinds = ['rss', 'heap'] as const;
const nameOf = { rss: 'the memory of the process (RSS)', heap: "JavaScript's heap" } as const;
const mib = (bytes: number): string => `${String(Math.round(bytes / 1024 / 1024))} MiB`;

/**
 * Decides what is done about the memory in use, once for each look. Above a soft limit what is only there to be faster is let go at
 * once; if that is not enough by the next look, less is let in, the nearer to the hard limit the less; above it nothing is.
 */
export class MemoryGuardState {
  readonly #limits: MemoryKinds<MemoryLimit>;
  #share = 1;
  #wasAbove = false;
  #collectedMs = Number.NEGATIVE_INFINITY;

  constructor(limits: MemoryKinds<MemoryLimit>) {
    this.#limits = limits;
  }

  look(used: MemoryKinds<number>, nowMs: number): MemoryDecision {
    const [worst] = kinds
      .map((kind) => ({ kind, pressure: (used[kind] - this.#limits[kind].soft) / (this.#limits[kind].hard - this.#limits[kind].soft) }))
      .sort((a, b) => b.pressure - a.pressure);
    const { kind, pressure } = worst ?? { kind: 'rss', pressure: -1 };
    const isAbove = pressure >= 0;
    const collect = isAbove && nowMs - this.#collectedMs >= collectEveryMs;
    if (collect) this.#collectedMs = nowMs;
    const wanted = pressure >= 1 ? 0 : isAbove && this.#wasAbove ? 1 - pressure : 1;
    this.#share = Math.min(wanted, this.#share + mostRise);
    this.#wasAbove = isAbove;
    return { share: this.#share, shed: isAbove, collect, why: isAbove ? this.#inWords(kind, pressure >= 1) : undefined };
  }

  #inWords(kind: 'rss' | 'heap', isHard: boolean): string {
    const { soft, hard } = this.#limits[kind];
    return isHard
      ? `${nameOf[kind]} is above its hard limit of ${mib(hard)}: nothing more is taken until it falls`
      : `${nameOf[kind]} is above its soft limit of ${mib(soft)}: caches are dropped, and less is taken`;
  }
}
