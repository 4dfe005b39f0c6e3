/**
 * Tells which tokens the pieces of an answer are made of. A token belongs to the piece in which its text begins; what a stop string
 * cuts off belongs to none. Holds the tokens of text that is held back: of half a character, or of what could become a stop string.
 */
export class TokenPieces<T> {
  #waiting: { readonly from: number; readonly token: T }[] = [];
  #decoded = 0;
  #passed = 0;

  /** A token, and the text that it completes: none for the first half of a character. */
  add(token: T, decoded: string): void {
    this.#waiting.push({ from: this.#decoded, token });
    this.#decoded += decoded.length;
  }

  /** The tokens that begin in the next `text` of the answer. */
  take(text: string): readonly T[] {
    this.#passed += text.length;
    const later = this.#waiting.findIndex(({ from }) => from >= this.#passed);
    const taken = this.#waiting.splice(0, later < 0 ? this.#waiting.length : later);
    return taken.map(({ token }) => token);
  }
}
