/** A token of an answer, as models tell it where log-probabilities are asked for. */
export interface ToldToken {
  readonly token: string;
  readonly logProbability: number;
  readonly top: readonly { readonly token: string; readonly logProbability: number }[];
}

/** A piece of an answer that leaves. */
export interface TextChunk {
  readonly text: string;
  /** Of the answer, since the chunk before; those without text of their own (half a character, the end) count, too. */
  readonly tokens: number;
  readonly logProbabilities: readonly ToldToken[];
}

const sentenceEnd = /[.!?…。！？]["'”’)\]]*$/u;
const leastCharacters = 2;

/**
 * Cuts an answer into chunks that are worth an event: one leaves at two or more characters or at the end of a sentence, blanks go with the next, the rest
 * at the end. The joined texts are exactly the answer, and the tokens sum to those that were told. Holds less than two characters beside blanks.
 */
export class Chunker {
  #text = '';
  #tokens = 0;
  #logProbabilities: readonly ToldToken[] = [];

  /** Tokens that were told and have not left. */
  get waiting(): number {
    return this.#tokens;
  }

  push(text: string, tokens: number, logProbabilities: readonly ToldToken[] = []): TextChunk | undefined {
    this.#tokens += tokens;
    if (logProbabilities.length > 0) this.#logProbabilities = [...this.#logProbabilities, ...logProbabilities];
    if (text === '') return undefined;
    this.#text += text;
    const ready = this.#text.trimEnd();
    const seen = ready.trimStart();
    if (!isLong(seen) && !sentenceEnd.test(seen)) return undefined;
    return this.#cut(ready.length);
  }

  /** What is left, blanks too; undefined where nothing is. `moreTokens`: told at the end alone. */
  flush(moreTokens = 0): TextChunk | undefined {
    this.#tokens += moreTokens;
    return this.#text === '' && this.#tokens === 0 ? undefined : this.#cut(this.#text.length);
  }

  #cut(length: number): TextChunk {
    const chunk = { text: this.#text.slice(0, length), tokens: this.#tokens, logProbabilities: this.#logProbabilities };
    this.#text = this.#text.slice(length);
    this.#tokens = 0;
    this.#logProbabilities = [];
    return chunk;
  }
}

/** Characters as people count them, but for those that are made of several. */
const isLong = (text: string): boolean => text.length >= leastCharacters && Array.from(text).length >= leastCharacters;
