import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GenerationEvent } from '../../src/service/generation.state.ts';
import { GenerationState } from '../../src/service/generation.state.ts';

const usage = (outputTokens: number) => ({ inputTokens: 3, cachedTokens: 0, outputTokens, totalTokens: outputTokens + 3 });
const ended = (outputTokens: number) => ({ finishReason: 'stop' as const, usage: usage(outputTokens), model: 'm' });
const rules = { chunked: true, maxKeptBytes: 1e6 };
const textOf = (events: readonly GenerationEvent[] | 'lost'): string =>
  events === 'lost' ? 'lost' : events.map((one) => (one.kind === 'chunk' ? one.text : `<${one.kind}>`)).join('|');

describe('GenerationState', () => {
  it('numbers its chunks, counts tokens up to the total, and tells the rate since the request began', () => {
    const state = new GenerationState(1_000, rules);
    state.piece('one', 1, undefined, 2_000);
    state.piece(' two', 2, undefined, 3_000);
    state.end(ended(5), 5_000);
    expect(state.after(0)).toMatchObject([
      { number: 1, text: 'one', tokenCount: 1, totalTokenCount: 1, tokenRate: 1 },
      { number: 2, text: ' two', tokenCount: 2, totalTokenCount: 3, tokenRate: 1.5 },
      { number: 3, text: '', tokenCount: 2, totalTokenCount: 5, tokenRate: 1.25 },
      { number: 4, kind: 'end', usage: { outputTokens: 5 } },
    ]);
    expect([state.endedMs, state.tokens]).toEqual([5_000, 5]);
  });

  it('goes on where a reader was', () => {
    const state = new GenerationState(0, rules);
    for (const text of ['ab', 'cd', 'ef']) state.piece(text, 1, undefined, 1);
    expect([0, 1, 2, 3, 9].map((number) => textOf(state.after(number)))).toEqual(['ab|cd|ef', 'cd|ef', 'ef', '', '']);
    expect(textOf(state.after(0, 2))).toBe('ab|cd');
  });

  it('begins anew with a higher attempt: what came before is told to nobody, and missed by nobody', () => {
    const state = new GenerationState(0, rules);
    for (const text of ['ab', 'c']) state.piece(text, 1, undefined, 1);
    state.restart();
    expect([state.attempt, state.hasText, state.tokens]).toEqual([2, false, 0]);
    state.piece('xy', 1, undefined, 1);
    for (const number of [0, 1]) expect(state.after(number)).toMatchObject([{ number: 2, attempt: 2, text: 'xy', totalTokenCount: 1 }]);
  });

  it('tells what has come before it tells of a failure', () => {
    const state = new GenerationState(0, rules);
    state.piece('a', 1, undefined, 1);
    state.fail({ code: 'model_failed', message: 'it fell', retryAfterMs: undefined }, 2);
    expect(textOf(state.after(0))).toBe('a|<error>');
  });

  it('says what is lost to a reader, and not to who has it', () => {
    const state = new GenerationState(0, { chunked: true, maxKeptBytes: 1_000 });
    for (let i = 0; i < 20; i += 1) state.piece('some text', 1, undefined, 1);
    expect(state.after(0)).toBe('lost');
    expect(textOf(state.after(18))).toBe('some text|some text');
    expect(state.bytes).toBeLessThanOrEqual(1_000);
  });

  it('forgets what nobody asks for again', () => {
    const state = new GenerationState(0, rules);
    for (const text of ['ab', 'cd', 'ef']) state.piece(text, 1, undefined, 1);
    const { bytes } = state;
    state.forget(2);
    expect([textOf(state.after(2)), state.after(0), state.bytes < bytes]).toEqual(['ef', 'lost', true]);
  });

  it('gives every reader the same, however it reads', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('piece' as const), text: fc.string({ maxLength: 4 }) }),
      fc.record({ kind: fc.constant('look' as const), most: fc.integer({ min: 1, max: 3 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, chunked) => {
        const state = new GenerationState(0, { chunked, maxKeptBytes: 1e9 });
        const seen: GenerationEvent[] = [];
        let cursor = 0;
        let answer = '';
        const look = (most: number): void => {
          const events = state.after(cursor, most);
          if (events === 'lost') throw new Error('nothing is lost here');
          seen.push(...events);
          cursor = seen.at(-1)?.number ?? 0;
        };
        for (const one of steps) {
          if (one.kind === 'look') look(one.most);
          else {
            answer += one.text;
            state.piece(one.text, 1, undefined, 1);
          }
        }
        state.end(ended(state.tokens + 7), 9);
        look(Infinity);
        expect(seen).toEqual(state.after(0));
        expect(seen.map((one) => (one.kind === 'chunk' ? one.text : '')).join('')).toBe(answer);
        expect(seen.map(({ number }) => number)).toEqual(seen.map((_, i) => i + 1));
      }),
    );
  });
});
