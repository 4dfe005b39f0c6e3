import { expect, it } from 'vitest';
import { callTimeout } from '../../operators/call-timeout.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { retryWithBackoff } from '../../operators/retry-with-backoff.ts';
import { call } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import { headerText } from '../../src/record/record.ts';
import { mill } from '../helpers/mill.ts';

/**
 * One record's whole way, step by step, in virtual time; `src/runtime/assemble.ts` is the same way as code.
 *
 *     transport ─ window ─ lanes ─ decode ─ process ─ encode ─ sink ─ settle ─ tracker ─ commit
 */
it('follows one record from its topic to its commit', async () => {
  const m = await mill();
  let attempts = 0;
  const app = await m.start((source) =>
    source.pipe(
      mapConcurrent(
        (value, ctx) =>
          call(async ({ signal, attempt }) => {
            attempts = attempt;
            await sleep(m.clock, attempt === 1 ? 60_000 : 1_000, signal); // the first attempt hangs
            return `${String(value)} from ${String(ctx.position?.topic)}`;
          }).pipe(callTimeout({ ms: 5_000 }), retryWithBackoff({ attempts: 2, initialMs: 100, random: () => 1 })),
        { concurrency: 4 },
      ),
    ),
  );
  m.transport.broker.delayAcknowledgements(500);

  // Nothing waits on the topic: nothing is in flight, nothing is behind.
  expect(app.stats()).toMatchObject({ recordsInFlight: 0, bytesInFlight: 0, lag: 0n, done: 0 });

  // transport, window, lanes, decode, process: a record is written, fetched, taken; its first call runs.
  m.transport.broker.append('in', 0, [
    { key: Buffer.from('k'), value: Buffer.from('"hello"'), headers: [['h', Buffer.from('1')]], timestampMs: 42 },
  ]);
  await m.clock.advance(1_000);
  expect(attempts).toBe(1);
  expect(app.stats()).toMatchObject({ recordsInFlight: 1, lag: 1n });
  expect(app.stats().bytesInFlight).toBeGreaterThan(8);

  // policies: the attempt times out after 5 s and is aborted; another one starts after its backoff of 100 ms.
  await m.clock.advance(4_200);
  expect(attempts).toBe(2);
  expect(m.outputs()).toEqual([]);

  // encode, sink: the second attempt answers; the output is written, and not acknowledged yet.
  await m.clock.advance(1_000);
  expect(m.outputs()).toEqual(['hello from in']);
  expect(app.stats()).toMatchObject({ recordsInFlight: 1, done: 0 });
  expect(m.committed()).toEqual([0n]);

  // settle: the broker acknowledges; the record is done, exactly once, and its place is free.
  await m.clock.advance(500);
  expect(app.stats()).toMatchObject({ recordsInFlight: 0, bytesInFlight: 0, done: 1, failed: 0 });

  // tracker, commit: the watermark moved; 200 ms later it is stored (the acknowledgement of that takes 500 ms too).
  await m.clock.advance(700);
  expect(m.committed()).toEqual([1n]);
  expect(app.stats().lag).toBe(0n);

  // The output kept key, headers and timestamp of its source.
  const [output] = m.transport.broker.records('out', 0);
  expect([output?.timestampMs, headerText(output?.headers ?? [], 'h')]).toEqual([42, '1']);
  expect(Buffer.from(output?.key ?? []).toString()).toBe('k');

  // Nothing is left behind: the pipeline drains at once, and leaves its group.
  const drained = app.drain();
  await m.clock.advance(2_000);
  await drained;
  expect([app.state, m.transport.broker.members('mill'), m.letters()]).toEqual(['stopped', [], []]);
});
