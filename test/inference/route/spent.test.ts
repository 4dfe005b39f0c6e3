import { defer, EMPTY, lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { currentScope } from '../../../src/call.ts';
import { addedToChunk, type Spent, together, watchingUse } from '../../../src/inference/route/spent.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { testScope, within } from '../../helpers/scope.ts';
import { usageOf } from '../fake-backend.ts';

const spent = (input: number, output: number, cost?: number): Spent => ({ usage: usageOf(input, output), cost });

describe('what several calls have used', () => {
  it.each<[Spent, Partial<Spent>, Spent]>([
    [spent(10, 3, 0.5), spent(2, 1, 0.25), spent(12, 4, 0.75)],
    [spent(10, 3), spent(2, 1, 0.25), spent(12, 4, 0.25)],
    [spent(10, 3, 0.5), spent(2, 1), spent(12, 4, 0.5)],
    [spent(10, 3, 0.5), {}, spent(10, 3, 0.5)],
  ])('%j and %j are %j', (a, b, sum) => {
    expect(together(a, b)).toEqual(sum);
  });

  it.each<[number | undefined, number | undefined, number | undefined]>([
    [0.5, 0.25, 0.75],
    [undefined, 0.25, 0.25],
    [0.5, undefined, 0.5],
    [undefined, undefined, undefined],
  ])('costs %s before and %s in the last piece of an answer: %s', (before, own, sum) => {
    const chunk = { text: '', index: 1, usage: usageOf(2, 1), ...(own === undefined ? {} : { cost: own }) };
    const { cost, usage } = addedToChunk(chunk, spent(10, 3, before));
    expect([cost, usage]).toEqual([sum, usageOf(12, 4)]);
  });

  it('is added to no other piece', () => {
    const chunk = { text: 'a', index: 0 };
    expect(addedToChunk(chunk, spent(10, 3, 1))).toBe(chunk);
  });

  it('is watched as it is told, and told on', async () => {
    const told: unknown[] = [];
    const meter = {
      observe: () => told.push('observed'),
      received: (tokens: number) => told.push(tokens),
      used: (usage: object) => told.push(usage),
      sent: (isSent: boolean) => told.push(isSent),
    };
    const call = defer(() => {
      const inner = currentScope().meter;
      inner?.observe({ get: () => null });
      inner?.received(2);
      inner?.sent(false);
      inner?.used({ inputTokens: 4, outputTokens: 1 });
      inner?.used({ inputTokens: 2, outputTokens: 2, cachedTokens: 1 });
      return EMPTY;
    });
    const into = { usage: usageOf(10, 3) };
    await lastValueFrom(within(testScope(virtualClock(), { meter }), watchingUse(call, into)), { defaultValue: undefined });
    expect(into.usage).toEqual({ inputTokens: 16, cachedTokens: 1, outputTokens: 6, totalTokens: 22 });
    expect(told).toEqual(['observed', 2, false, { inputTokens: 4, outputTokens: 1 }, { inputTokens: 2, outputTokens: 2, cachedTokens: 1 }]);
  });
});
