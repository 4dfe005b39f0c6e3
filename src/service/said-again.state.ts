/**
 * An answer that begins anew, for a reader who cannot take back what he has: as long as the new one says what he has, nothing is told to him, and then he goes on with it. Holds the
 * answer's text.
 */
export class SaidAgain {
  #said = '';
  /** Of what was said, what the new attempt has still to say. */
  #left = '';

  /** The answer begins anew. */
  restart(): void {
    this.#left = this.#said;
  }

  /** Whether the end of the answer is that of what was told, too. */
  get isWhole(): boolean {
    return this.#left === '';
  }

  /** What is new of a text that has come; undefined: it is another answer than before. */
  push(text: string): string | undefined {
    if (this.#left === '') {
      this.#said += text;
      return text;
    }
    const common = Math.min(this.#left.length, text.length);
    if (this.#left.slice(0, common) !== text.slice(0, common)) return undefined;
    this.#left = this.#left.slice(common);
    const news = text.slice(common);
    this.#said += news;
    return news;
  }
}
