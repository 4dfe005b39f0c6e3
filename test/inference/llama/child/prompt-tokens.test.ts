import type { Token, Tokenizer } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { PromptTokens, type TokensEngine } from '../../../../src/inference/llama/child/prompt-tokens.ts';
import { failureOf } from '../../../helpers/failure-of.ts';

/** Tokens are words with the space before them, or pieces of four letters; `longest`: what was tokenised at one go. */
function engineWith(contextTokens: number, putsSpace = false) {
  const known: string[] = [];
  const seen = { longest: 0, characters: 0 };
  const idOf = (word: string): Token => (known.includes(word) ? known.indexOf(word) : known.push(word) - 1) as Token;
  const tokenize = (text: string): Token[] => {
    seen.longest = Math.max(seen.longest, text.length);
    seen.characters += text.length;
    return ((putsSpace && text !== '' ? ` ${text}` : text).match(/ ?[^ ]{1,4}| /g) ?? []).map(idOf);
  };
  const tokenizer = Object.assign(tokenize, {
    detokenize: () => '',
    isSpecialToken: () => false,
    isEogToken: () => false,
  }) as unknown as Tokenizer;
  const engine: TokensEngine = {
    model: { tokenizer },
    facts: { contextTokens },
    render: (turns, ask = tokenizer) => [...ask('<s>', true), ...turns.flatMap(({ content }) => ask(content, false)), ...ask('<e>', true)],
    begin: (text, ask = tokenizer) => ask(text, false),
  };
  return { engine, seen, tokens: new PromptTokens(engine, systemClock) };
}

const signal = new AbortController().signal;
const prose = (words: number): string => Array.from({ length: words }, (_, at) => `w${'o'.repeat(at % 3)}rd`).join(' ');
const asked = (content: string) => [{ role: 'user' as const, content }];

describe('PromptTokens', () => {
  it.each([false, true])('makes the same tokens in slices as at one go (a space before every text: %s)', async (putsSpace) => {
    const { engine, tokens, seen } = engineWith(100_000, putsSpace);
    const turns = [...asked(prose(9_000)), ...asked('short'), ...asked(prose(4_000))];
    const whole = engine.render(turns);
    seen.longest = 0;
    expect(await tokens.ofTurns(turns, signal)).toEqual(whole);
    expect(await tokens.count(turns, signal)).toBe(whole.length);
    expect(seen.longest).toBeLessThanOrEqual(16_000);
  });

  it.each(['prose', 'one word', 'spaces'])('refuses 2 million characters of %s after a look at the first of them', async (kind) => {
    const { tokens, seen } = engineWith(2_000);
    const text = kind === 'prose' ? prose(20).concat(' ').repeat(20_000) : (kind === 'one word' ? 'a' : ' ').repeat(2_000_000);
    for (const failure of [tokens.ofTurns(asked(text), signal), tokens.ofText(text, signal), tokens.ofPlain(text, signal)])
      expect((await failureOf(failure)).code).toBe('prompt_too_long');
    expect(seen.characters).toBeLessThan(200_000);
    expect(seen.longest).toBeLessThanOrEqual(16_000);
  });

  it('counts what is far too long in slices, to within some tokens', async () => {
    const { tokens, seen } = engineWith(2_000);
    const text = prose(400_000);
    const count = await tokens.count(asked(text), signal);
    expect(count).toBeGreaterThanOrEqual(400_000);
    expect(seen.longest).toBeLessThanOrEqual(16_000);
  });

  it('lets others go on between slices, and stops when nobody wants them', async () => {
    const { tokens, seen } = engineWith(2_000);
    const controller = new AbortController();
    let breaks = 0;
    const look = (): void => {
      breaks += 1;
      if (breaks === 3) controller.abort();
      else setTimeout(look, 0);
    };
    setTimeout(look, 0);
    await expect(tokens.count(asked(prose(400_000)), controller.signal)).rejects.toThrow(/abort/);
    expect(seen.characters).toBeLessThan(100_000);
  });
});
