/** How many tasks a file has, as far as it was read: those that were seen, and for the rest as many as its bytes have at the length seen so far. */
export class TotalEstimate {
  readonly #fileBytes: number | undefined;
  #lines = 0;
  #bytes = 0;
  #isOver = false;

  /** @param fileBytes undefined where nobody knows, as for stdin. */
  constructor(fileBytes: number | undefined) {
    this.#fileBytes = fileBytes;
  }

  /** A line of so many bytes, its end included, is a task. */
  line(bytes: number): void {
    this.#lines += 1;
    this.#bytes += bytes;
  }

  /** The file was read to its end. */
  over(): void {
    this.#isOver = true;
  }

  /** Whether `total` is a guess. */
  get isGuess(): boolean {
    return !this.#isOver && this.#fileBytes !== undefined;
  }

  get total(): number | undefined {
    if (this.#isOver) return this.#lines;
    if (this.#fileBytes === undefined || this.#bytes === 0) return undefined;
    return Math.max(this.#lines, Math.round((this.#lines * this.#fileBytes) / this.#bytes));
  }
}
