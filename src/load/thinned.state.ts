/**
 * Values in their order, each or, where there are too many, each second, fourth, eighth … of them: so that what lies behind each other stays so, and two runs can be compared by more than
 * their quantiles. Holds `most` values.
 */
export class Thinned {
  readonly #most: number;
  #values: number[] = [];
  #stride = 1;
  #seen = 0;

  constructor(most = 2_000) {
    this.#most = most;
  }

  add(value: number): void {
    if (this.#seen % this.#stride === 0) this.#values.push(value);
    this.#seen += 1;
    if (this.#values.length < this.#most) return;
    this.#values = this.#values.filter((_, index) => index % 2 === 0);
    this.#stride *= 2;
  }

  get values(): readonly number[] {
    return this.#values;
  }

  /** One of so many is kept. */
  get stride(): number {
    return this.#stride;
  }
}
