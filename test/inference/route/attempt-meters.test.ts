import { describe, expect, it } from 'vitest';
import { AttemptMeters } from '../../../src/inference/route/attempt-meters.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { testScope } from '../../helpers/scope.ts';

describe('AttemptMeters', () => {
  it('tells anew what another attempt has got so far when one ends, since budgets count one after the other', () => {
    const told: string[] = [];
    const meter = {
      observe: () => undefined,
      received: (tokens: number) => told.push(`received ${String(tokens)}`),
      used: ({ inputTokens, outputTokens }: { inputTokens: number; outputTokens: number }) =>
        told.push(`used ${String(inputTokens)}+${String(outputTokens)}`),
      sent: (isSent: boolean) => told.push(`sent ${String(isSent)}`),
    };
    const counted: string[] = [];
    const meters = new AttemptMeters(
      testScope(virtualClock(), { meter, used: ({ model, inputTokens }) => counted.push(`${String(model)} ${String(inputTokens)}`) }),
    );
    const [a, b] = [meters.begin(10, 'a'), meters.begin(20, 'b')];
    a.received(1);
    b.received(2);
    a.used({ inputTokens: 10, outputTokens: 3 });
    b.received(4);
    a.abandoned(); // it has told all
    b.abandoned();
    meters.begin(30, 'c').abandoned();
    expect(told).toEqual([
      'sent true',
      'sent true',
      'received 1',
      'received 2',
      'used 10+3',
      'received 2',
      'received 4',
      'used 20+6',
      'sent true',
      'used 30+0',
    ]);
    expect(counted).toEqual(['c 30']); // of b the model itself tells, since some of its answer had come
  });
});
