import type { Token, Tokenizer } from 'node-llama-cpp';
import type { Clock } from '../../../clock.ts';
import type { ChatTurn } from '../../model.ts';
import { promptTooLong } from './evaluate-prompt.ts';

/** Characters that become tokens at one go: at most 50 ms of a slow core (a run of spaces; prose takes 10), in which nothing else is computed. */
export const mostAtOnce = 16_000;
/** The templates of longer prompts are not filled in to count them: it takes 15 ms for a million characters, and nobody evaluates such. */
const mostRendered = 1_000_000;

/** Of an engine, what is needed here. */
export interface TokensEngine {
  readonly model: { readonly tokenizer: Tokenizer };
  readonly facts: { readonly contextTokens: number };
  readonly render: (turns: readonly ChatTurn[], tokenizer?: Tokenizer) => Token[];
  readonly begin: (text: string, tokenizer?: Tokenizer) => Token[];
}

type Render = (tokenizer?: Tokenizer) => Token[];

/**
 * Makes tokens of prompts. The vendor does so at one go, 95 s for 20 MB, and the process computes nothing else meanwhile; so long texts are tokenised in slices, with a break and a look at the
 * signal after each, and given up as soon as they cannot fit. Texts are cut where words begin, which makes the same tokens; a word of 16,000 characters is cut somewhere in it, where the
 * tokenizer leaves spaces to us.
 */
export class PromptTokens {
  readonly #engine: TokensEngine;
  readonly #clock: Clock;
  readonly #seam: Seam | undefined;

  constructor(engine: TokensEngine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
    this.#seam = seamOf(engine.model.tokenizer);
  }

  /** @throws InferenceError `prompt_too_long`, often before all of it is tokens. */
  async ofTurns(turns: readonly ChatTurn[], signal: AbortSignal): Promise<readonly Token[]> {
    return this.#fitting(
      turns.map(({ content }) => content),
      (tokenizer) => this.#engine.render(turns, tokenizer),
      signal,
    );
  }

  /** @throws InferenceError `prompt_too_long`, often before all of it is tokens. */
  async ofText(text: string, signal: AbortSignal): Promise<readonly Token[]> {
    return this.#fitting([text], (tokenizer) => this.#engine.begin(text, tokenizer), signal);
  }

  /** Lets whatever else the process does go on. */
  async rest(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.schedule(0, resolve));
    signal.throwIfAborted();
  }

  /** Text to be embedded, with nothing around it. @throws InferenceError `prompt_too_long`. */
  async ofPlain(text: string, signal: AbortSignal): Promise<readonly Token[]> {
    return this.#fitting([text], (tokenizer = this.#engine.model.tokenizer) => tokenizer(text, false), signal);
  }

  /** How many; of more than a million characters to within a few tokens a turn. */
  async count(turns: readonly ChatTurn[], signal: AbortSignal): Promise<number> {
    const texts = turns.map(({ content }) => content);
    if (lengthOf(texts) <= mostAtOnce) return this.#engine.render(turns).length;
    if (lengthOf(texts) <= mostRendered) return (await this.#sliced((tokenizer) => this.#engine.render(turns, tokenizer), signal)).length;
    const around = this.#engine.render(turns.map(({ role }) => ({ role, content: 'a' }))).length - turns.length;
    return around + (await this.#counted(texts, Number.POSITIVE_INFINITY, signal));
  }

  async #fitting(texts: readonly string[], render: Render, signal: AbortSignal): Promise<readonly Token[]> {
    if (lengthOf(texts) <= mostAtOnce) return render();
    const { contextTokens } = this.#engine.facts;
    const counted = await this.#counted(texts, contextTokens, signal);
    if (counted > contextTokens) throw promptTooLong(`more than ${String(counted - 1)} tokens of prompt`, contextTokens);
    return this.#sliced(render, signal);
  }

  /** Tokens of the texts, less what cuts may have added; counted until they are more than `enough`. */
  async #counted(texts: readonly string[], enough: number, signal: AbortSignal): Promise<number> {
    let count = 0;
    for (const text of texts) {
      for (const { slice, isFirst } of slicesOf(text, 'space')) {
        const cut = !isFirst && Number.isFinite(enough) ? 1 : 0;
        count += this.#engine.model.tokenizer(slice, false).length - cut;
        if (count > enough) return count;
        await this.rest(signal);
      }
    }
    return count;
  }

  /** First asks what is to be tokenised, then tokenises it, then gives it. */
  async #sliced(render: Render, signal: AbortSignal): Promise<Token[]> {
    const { tokenizer } = this.#engine.model;
    const asked: Asked[] = [];
    render(
      Object.assign((...one: Asked) => {
        asked.push(one);
        return [];
      }, tokenizer),
    );
    const made: Token[][] = [];
    for (const [text, special, options] of asked) {
      const tokens: Token[] = [];
      for (const { slice, isFirst } of slicesOf(text, special === true ? undefined : this.#seam)) {
        const some = isFirst ? tokenizer(slice, special as false, options) : tokenizer(slice, false);
        for (const token of some) tokens.push(token);
        await this.rest(signal);
      }
      made.push(tokens);
    }
    return render(Object.assign(() => made.shift() ?? [], tokenizer));
  }
}

/** One after the other, since looking for cuts takes its time. Without a seam the whole: a cut would change it. */
function* slicesOf(text: string, seam: Seam | undefined): Generator<{ readonly slice: string; readonly isFirst: boolean }> {
  let from = 0;
  while (seam !== undefined && text.length - from > mostAtOnce) {
    const cut = cutAt(text, from, seam);
    if (cut === undefined) break;
    yield { slice: text.slice(from, cut), isFirst: from === 0 };
    from = seam === 'space' ? cut : cut + 1;
  }
  yield { slice: text.slice(from), isFirst: from === 0 };
}

/** How templates ask: `special` for their own words. */
type Asked = readonly [text: string, special?: boolean, options?: 'trimLeadingSpace'];

/** Which text makes the same tokens after a cut: what begins with the space, or what comes behind it, as the tokenizer puts one before every text. */
type Seam = 'space' | 'word';

function seamOf(tokenizer: Tokenizer): Seam | undefined {
  const whole = tokenizer('one two', false).join();
  const first = tokenizer('one', false).join();
  if (whole === `${first},${tokenizer(' two', false).join()}`) return 'space';
  return whole === `${first},${tokenizer('two', false).join()}` ? 'word' : undefined;
}

/** The last place of a slice at which a word begins; within a word only where nothing would be put between its halves. */
function cutAt(text: string, from: number, seam: Seam): number | undefined {
  const isSeam = (at: number): boolean => text[at] === ' ' && /\p{L}$/u.test(text[at - 1] ?? '') && /^\p{L}/u.test(text[at + 1] ?? '');
  for (let at = from + mostAtOnce; at > from; at -= 1) if (isSeam(at)) return at;
  if (seam === 'word') {
    for (let at = from + mostAtOnce; at < text.length; at += 1) if (isSeam(at)) return at;
    return undefined;
  }
  const end = from + mostAtOnce;
  return /[\uD800-\uDBFF]/.test(text[end - 1] ?? '') ? end - 1 : end;
}

const lengthOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length, 0);
