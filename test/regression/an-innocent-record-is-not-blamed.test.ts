import { mergeMap, type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { call } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { mill, numbers, sorted, upTo, type Value } from '../helpers/mill.ts';

describe('a record that ends a stream for what others did in it', () => {
  it('is not dead-lettered, although it was alone', async () => {
    const m = await mill();
    await m.feed(numbers(12, 12));
    // each fourth record ends the stream, whichever it is
    const bomb = <K>(s: Observable<Envelope<Value, K>>): Observable<Envelope<Value, K>> => {
      let count = 0;
      return s.pipe(
        mergeMap((envelope) => {
          count += 1;
          if (count > 3) throw new Error('three are enough for me');
          return of(envelope);
        }),
      );
    };
    const work = mapConcurrent(
      (v: Value) =>
        call(async () => {
          await sleep(m.clock, 5);
          return v;
        }),
      { concurrency: 12 },
    );
    await m.start((s) => s.pipe(work, bomb));
    await m.clock.advance(60_000);
    expect([m.letters(), sorted(m.outputs()), m.committed()]).toEqual([[], upTo(12), [12n]]);
  });
});
