/** A stretch of time of a series. */
export interface Bucket<B> {
  /** From the start of the series. */
  readonly fromMs: number;
  readonly value: B;
}

/**
 * What happened when, in stretches of equal length. When there are too many, each two become one of twice the length: so a series holds `maxBuckets` values at most, however long it
 * gets, and half as many at least once it has been full.
 */
export class TimeSeries<B> {
  readonly #make: () => B;
  readonly #merge: (into: B, later: B) => void;
  readonly #maxBuckets: number;
  #widthMs: number;
  #buckets: (B | undefined)[] = [];

  constructor(kind: { readonly make: () => B; readonly merge: (into: B, later: B) => void }, widthMs = 1_000, maxBuckets = 120) {
    this.#make = kind.make;
    this.#merge = kind.merge;
    this.#widthMs = widthMs;
    this.#maxBuckets = maxBuckets;
  }

  get widthMs(): number {
    return this.#widthMs;
  }

  /** The value that counts what happens `atMs` from the start of the series. */
  at(atMs: number): B {
    const given = Math.max(0, atMs);
    while (given >= this.#widthMs * this.#maxBuckets) this.#double();
    const index = Math.floor(given / this.#widthMs);
    return (this.#buckets[index] ??= this.#make());
  }

  /** All stretches up to `untilMs`, also those in which nothing happened. */
  buckets(untilMs: number): readonly Bucket<B>[] {
    this.at(untilMs); // as coarse as the time needs, also while nothing happens
    return Array.from({ length: Math.floor(Math.max(0, untilMs) / this.#widthMs) + 1 }, (_, index) => ({
      fromMs: index * this.#widthMs,
      value: this.#buckets[index] ?? this.#make(),
    }));
  }

  #double(): void {
    const halves = this.#buckets;
    this.#buckets = [];
    for (let index = 0; index < halves.length; index += 2) {
      const [first, second] = [halves[index], halves[index + 1]];
      if (first !== undefined && second !== undefined) this.#merge(first, second);
      this.#buckets[index / 2] = first ?? second;
    }
    this.#widthMs *= 2;
  }
}
