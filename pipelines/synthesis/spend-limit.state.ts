/** Tokens that a run may still use. What is asked reserves the most it can take, so that the limit is never passed, whatever is on the way at once. */
export class SpendLimit {
  readonly #limit: number;
  #spent = 0;
  #reserved = 0;
  #isOver = false;

  /** @param limit Infinity: there is none. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  get spent(): number {
    return this.#spent;
  }

  /** Once something was refused: what is smaller would still fit, but one seed after the other would stop in the middle. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** False: it does not fit, and nothing will any more. */
  reserve(tokens: number): boolean {
    if (this.#isOver || this.#spent + this.#reserved + tokens > this.#limit) this.#isOver = true;
    else this.#reserved += tokens;
    return !this.#isOver;
  }

  /** What was reserved has taken so much. */
  settle(reserved: number, used: number): void {
    this.#reserved -= reserved;
    this.#spent += used;
  }
}
