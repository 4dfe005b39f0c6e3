import { merge, NEVER, Observable, takeUntil } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchWithin } from '../../operators/batch-within.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { unbatch } from '../../operators/unbatch.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { mill, numbers, sorted, upTo, type Value } from '../helpers/mill.ts';

type Flow = Observable<Envelope<Value>>;

// `process` leaves its source and keeps its output open: what its operators held then is nobody's. No record comes that
// would show that the source was left.
describe('a stream that left its source and stays open', () => {
  it.each([
    { holder: 'running calls and a queue', hold: (s: Flow) => s.pipe(mapConcurrent(() => NEVER as Observable<Value>, { concurrency: 2 })) },
    {
      holder: 'an open batch',
      hold: (s: Flow) => s.pipe(batchWithin({ maxSize: 100, maxWaitMs: 3_600_000 }), unbatch()),
    },
  ])('loses nothing of $holder', async ({ hold }) => {
    const m = await mill();
    await m.feed(numbers(5, 5));
    const soon = new Observable<void>((out) => m.clock.schedule(100, () => out.next()));
    await m.start((s: Flow): Flow => merge(hold(s).pipe(takeUntil(soon)), NEVER), { deadlineMs: 5_000 });
    await m.clock.advance(20_000);
    const codes = m.letters().map(({ header }) => header('millrace.error.code'));
    expect([new Set(codes), sorted(m.letters().map(({ value }) => Number(value))), m.committed()]).toEqual([
      new Set(['envelope_lost']),
      upTo(5),
      [5n],
    ]);
  });
});
