const leastOctave = -10; // 2^-10: a thousandth
const octaves = 60; // up to 10^15
/** How values are spread: from the least to the greatest that may stand in for what was counted. */
export interface Distribution {
  /** Values counted. */
  readonly count: number;
  readonly last: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * Counts values of at least 0 in steps that grow with them, as HdrHistogram does: quantiles are less than `1 / (2 * steps)` off. Holds at most 60 * `steps` counters, however many
 * values; counters for what was seen alone. Below a thousandth values count as 0.
 */
export class Histogram {
  readonly #steps: number;
  readonly #counts = new Map<number, number>();
  #zeros = 0;
  #count = 0;
  #sum = 0;
  #last = 0;
  #max = 0;

  constructor(steps = 64) {
    this.#steps = steps;
  }

  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    const given = Math.max(0, value);
    const place = this.#placeOf(given);
    if (place === undefined) this.#zeros += 1;
    else this.#counts.set(place, (this.#counts.get(place) ?? 0) + 1);
    this.#count += 1;
    this.#sum += given;
    this.#last = given;
    this.#max = Math.max(this.#max, given);
  }

  /** Takes in what came later, counted in the same steps. */
  merge(later: Histogram): void {
    for (const [place, count] of later.#counts) this.#counts.set(place, (this.#counts.get(place) ?? 0) + count);
    this.#zeros += later.#zeros;
    this.#count += later.#count;
    this.#sum += later.#sum;
    if (later.#count > 0) this.#last = later.#last;
    this.#max = Math.max(this.#max, later.#max);
  }

  /** Undefined where nothing was counted. */
  distribution(): Distribution | undefined {
    if (this.#count === 0) return undefined;
    const [p50 = 0, p95 = 0, p99 = 0] = this.quantiles([0.5, 0.95, 0.99]);
    return { count: this.#count, last: this.#last, mean: this.#sum / this.#count, p50, p95, p99, max: this.#max };
  }

  /** By nearest rank, for shares that ascend; 0 where nothing was counted. */
  quantiles(shares: readonly number[]): readonly number[] {
    const places = [...this.#counts].sort(([a], [b]) => a - b);
    let passed = this.#zeros;
    let at = -1;
    return shares.map((share) => {
      const rank = Math.max(1, Math.ceil(share * this.#count));
      while (passed < rank && at < places.length - 1) {
        at += 1;
        passed += places[at]?.[1] ?? 0;
      }
      const place = places[at]?.[0];
      return place === undefined ? 0 : Math.min(this.#middleOf(place), this.#max);
    });
  }

  #placeOf(value: number): number | undefined {
    if (value < 2 ** leastOctave) return undefined;
    const octave = Math.min(Math.floor(Math.log2(value)), leastOctave + octaves - 1);
    const step = Math.min(this.#steps - 1, Math.max(0, Math.floor((value / 2 ** octave - 1) * this.#steps)));
    return (octave - leastOctave) * this.#steps + step;
  }

  #middleOf(place: number): number {
    const octave = Math.floor(place / this.#steps) + leastOctave;
    return 2 ** octave * (1 + ((place % this.#steps) + 0.5) / this.#steps);
  }
}
