import { asapScheduler, observeOn } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mill, numbers, upTo } from '../helpers/mill.ts';

describe('delayed envelopes', () => {
  it('may pass through operators of RxJS that keep them', async () => {
    const m = await mill();
    await m.feed(numbers(5));
    await m.start((s) => s.pipe(observeOn(asapScheduler)));
    await m.clock.advance(1_000);
    expect(m.outputs()).toEqual(upTo(5));
  });
});
