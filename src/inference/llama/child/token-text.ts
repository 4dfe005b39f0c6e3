/** Turns tokens to text; the second argument is what came before, which decides about leading spaces. */
export type Detokenize<Token> = (tokens: readonly Token[], before: readonly Token[]) => string;

/** A character has at most four bytes, and a token at least one: after that the bytes are no text. */
const maxHeld = 4;
/** Enough of what came before for any tokenizer's spacing rule. */
const maxBefore = 8;

/** Turns a stream of tokens into text. A character can span tokens: half of one is held back, four tokens at most. */
export class TokenText<Token> {
  readonly #detokenize: Detokenize<Token>;
  #before: readonly Token[];
  #held: Token[] = [];

  constructor(detokenize: Detokenize<Token>, before: readonly Token[]) {
    this.#detokenize = detokenize;
    this.#before = before.slice(-maxBefore);
  }

  push(token: Token): string {
    this.#held.push(token);
    const text = this.#detokenize(this.#held, this.#before);
    if (text.endsWith('\ufffd') && this.#held.length < maxHeld) return '';
    return this.#pass(text);
  }

  flush(): string {
    return this.#held.length === 0 ? '' : this.#pass(this.#detokenize(this.#held, this.#before));
  }

  #pass(text: string): string {
    this.#before = [...this.#before, ...this.#held].slice(-maxBefore);
    this.#held = [];
    return text;
  }
}
