import { concatMap, Observable, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Model } from '../../../src/inference/model.ts';
import { answering } from '../../../src/inference/route/answering.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import type { Resource } from '../../../src/resource.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { within } from '../../helpers/scope.ts';
import { answer, good, open, prompt, resultIn, words } from './answers.ts';
import { calmScope, openContext } from './opened.ts';

describe('summarise', () => {
  /** Summaries of 3 words; each tells where its piece began. */
  const summarising = (room: number) => {
    const pieces: string[] = [];
    const model = scripted(
      ({ text }) => {
        const piece = /\n<data \w+>\n([^]*?)\n<\/data/.exec(text)?.[1];
        if (piece === undefined) return good;
        pieces.push(piece);
        return `${piece.trim().split(' ')[0] ?? ''} and so on`;
      },
      { capabilities: { contextTokens: room } },
    );
    return { model, pieces };
  };

  it('shortens the data piece by piece, through the same model, and counts every call', async () => {
    const { model: own, pieces } = summarising(150);
    const { clock, model } = await open({ model: own, whenTooLong: { summarise: { tokens: 20 } } });
    const scope = calmScope(clock);
    const found = await resultIn(clock, model.answer(prompt({ text: words(300) }), answer), scope);
    expect(found).toMatchObject({ value: { mood: 'good' }, degraded: ['summarised'] });
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join('')).toBe(words(300));
    expect(scope.tries.repairs).toBe(pieces.length);
    expect(found.usage.outputTokens).toBeGreaterThan(3 * pieces.length);
    expect(own.stats.calls).toBe(pieces.length + 2); // the one that did not fit, and the one that did
  });

  it('counts them, too, where tokens are counted in another process', async () => {
    const { model: own, pieces } = summarising(150);
    const clock = virtualClock();
    const countTokens: Model['countTokens'] = (asked) =>
      own.countTokens(asked).pipe(
        concatMap(
          (tokens) =>
            new Observable<number>((out) => {
              // its answers come on a stack that knows nothing of the call
              clock.schedule(1, () => {
                out.next(tokens);
                out.complete();
              });
            }),
        ),
      );
    const far: Resource<Model> = {
      name: 'far',
      open: () => Promise.resolve({ value: { ...own, countTokens }, close: () => Promise.resolve() }),
    };
    const { value: model } = await answering({ model: far, whenTooLong: { summarise: { tokens: 20 } } }).open(openContext(clock));
    const told: number[] = [];
    const scope = calmScope(clock, { used: ({ outputTokens }) => outputTokens > 0 && told.push(outputTokens) });
    const found = await resultIn(clock, model.answer(prompt({ text: words(300) }), answer), scope);
    expect(told).toHaveLength(pieces.length + 1);
    expect(found.usage.outputTokens).toBe(told.reduce((sum, one) => sum + one, 0));
    expect([scope.degraded, scope.tries.repairs]).toEqual([['summarised'], pieces.length]);
  });

  it('summarises summaries where they are too long together', async () => {
    const { model: own, pieces } = summarising(110);
    const { clock, model } = await open({ model: own, whenTooLong: { summarise: { tokens: 20, pieceTokens: 12, mostCalls: 64 } } });
    const asked = prompt({ text: words(300) });
    const found = await resultIn(clock, model.answer(asked, { ...answer, maxTokens: 60 }));
    expect(found.degraded).toEqual(['summarised']);
    expect(pieces.some((piece) => piece.includes('and so on'))).toBe(true);
  });

  it.each([
    ['it would take more calls than allowed', { mostCalls: 2 }, 150],
    ['the pieces have no room', {}, 40],
  ])('does not help where %s', async (_, more, room) => {
    const { model: own, pieces } = summarising(room);
    const { clock, model } = await open({ model: own, whenTooLong: { summarise: { tokens: 20, ...more } } });
    expect(await failureOf(resultIn(clock, model.answer(prompt({ text: words(300) }), answer)))).toMatchObject({ code: 'prompt_too_long' });
    expect(pieces).toEqual([]);
  });

  it('does not help where the model makes nothing shorter, or nothing', async () => {
    for (const echo of [(text: string) => text.slice(-400), () => '']) {
      const own = scripted(({ text }) => echo(text), { capabilities: { contextTokens: 150 } });
      const { clock, model } = await open({
        model: own,
        whenTooLong: [{ summarise: { tokens: 90, prompt: (text) => text } }, { truncate: 'tail' }],
      });
      const chunks = await resultIn(clock, model.chat(prompt({ text: words(300) }), { maxTokens: 20 }).pipe(toArray()));
      expect(chunks.at(-1)?.degraded).toEqual(['truncated-tail']);
    }
  });

  it('stops with the call', async () => {
    const own = scripted(() => 'short', { latencyMs: 50, capabilities: { contextTokens: 150 } });
    const { clock, model } = await open({ model: own, whenTooLong: { summarise: { tokens: 20 } } });
    const running = within(calmScope(clock), model.answer(prompt({ text: words(300) }), answer)).subscribe({ error: () => undefined });
    await clock.advance(10);
    running.unsubscribe();
    const { calls } = own.stats;
    await clock.runUntilIdle();
    expect(own.stats.calls).toBe(calls);
  });
});
