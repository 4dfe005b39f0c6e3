import { expect, it } from 'vitest';
import { callTimeout } from '../../operators/call-timeout.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { retryWithBackoff } from '../../operators/retry-with-backoff.ts';
import { call } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import { headerText } from '../../src/record/record.ts';
import { mill, type Mill } from '../helpers/mill.ts';

const record = { key: Buffer.from('k'), value: Buffer.from('"hello"'), headers: [['h', Buffer.from('1')]], timestampMs: 42 } as const;

/** A call whose first attempt hangs, which is timed out after 5 s and made again; the second one takes 1 s. */
function patientCall(m: Mill): { readonly attempts: () => number; readonly process: Parameters<Mill['start']>[0] } {
  let attempts = 0;
  return {
    attempts: () => attempts,
    process: (source) =>
      source.pipe(
        mapConcurrent(
          (value, ctx) =>
            call(async ({ signal, attempt }) => {
              attempts = attempt;
              await sleep(m.clock, attempt === 1 ? 60_000 : 1_000, signal);
              return `${String(value)} from ${String(ctx.position?.topic)}`;
            }).pipe(callTimeout({ ms: 5_000 }), retryWithBackoff({ attempts: 2, initialMs: 100, random: () => 1 })),
          { concurrency: 4 },
        ),
      ),
  };
}

/**
 * One record's whole way, step by step, in virtual time; `src/runtime/assemble.ts` is the same way as code.
 *
 *     transport ─ window ─ lanes ─ decode ─ process ─ encode ─ sink ─ settle ─ tracker ─ commit
 */
it('follows one record from its topic to its commit', async () => {
  const m = await mill();
  const { attempts, process } = patientCall(m);
  const app = await m.start(process);
  m.transport.broker.delayAcknowledgements(500);

  // Nothing waits on the topic: nothing is in flight, nothing is behind.
  expect(app.stats()).toMatchObject({ recordsInFlight: 0, bytesInFlight: 0, lag: 0n, done: 0 });

  // transport, window, lanes, decode, process: a record is written, fetched, taken; its first call runs.
  m.transport.broker.append('in', 0, [record]);
  await m.clock.advance(1_000);
  expect(attempts()).toBe(1);
  expect(app.stats()).toMatchObject({ recordsInFlight: 1, lag: 1n });
  expect(app.stats().bytesInFlight).toBeGreaterThan(8);

  // policies: the attempt times out after 5 s and is aborted; another one starts after its backoff of 100 ms.
  await m.clock.advance(4_200);
  expect(attempts()).toBe(2);
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

/** The same with `delivery: 'exactly-once'`: what the record brings about waits for its transaction, and is seen with its offset or not at all. */
it('follows one record from its topic to the end of its transaction', async () => {
  const m = await mill();
  const { attempts, process } = patientCall(m);
  const former = await m.transport.transact({ transactionalId: 'mill-in-0' });
  const app = await m.start(process, { delivery: 'exactly-once' });
  const { broker } = m.transport;

  // transport: the partition is fenced before it is read, so that nobody before us can write for it any more.
  await m.clock.advance(1_000);
  await expect(former.begin().then((transaction) => transaction.send('out', 0, [record]))).rejects.toMatchObject({ code: 'fenced' });
  expect(app.stats()).toMatchObject({ recordsInFlight: 0, transactions: { committed: 0, aborted: 0 } });

  // window, lanes, decode, process, policies: as ever.
  broker.append('in', 0, [record]);
  await m.clock.advance(5_200);
  expect([attempts(), app.stats().recordsInFlight]).toEqual([2, 1]);

  // encode: the answer is there, and waits in its bundle for the transaction, which is due 200 ms later.
  broker.delayAcknowledgements(500);
  await m.clock.advance(1_000);
  expect([m.outputs(), m.committed(), app.stats().recordsInFlight]).toEqual([[], [0n], 1]);
  expect(app.stats().bytesOutgoing).toBeGreaterThan(0);

  // sink: it is written within the transaction, and nobody who reads what is committed sees it yet.
  await m.clock.advance(600);
  const written = (await m.transport.describeTopics(['out'])).get('out')?.partitions[0]?.high;
  expect([written, m.outputs(), m.committed(), app.stats().done]).toEqual([1n, [], [0n], 0]);

  // commit, settle, tracker: output and offset are seen in one moment, and only then the record counts as done.
  const both: unknown[] = [];
  for (let i = 0; i < 40; i += 1) {
    await m.clock.advance(100);
    both.push([m.outputs().length, m.committed()[0]].join());
  }
  expect([...new Set(both)]).toEqual(['0,0', '1,1']);
  expect(app.stats()).toMatchObject({
    recordsInFlight: 0,
    bytesOutgoing: 0,
    done: 1,
    failed: 0,
    transactions: { committed: 1, aborted: 0 },
  });
  const [output] = broker.records('out', 0);
  expect([output?.timestampMs, headerText(output?.headers ?? [], 'h')]).toEqual([42, '1']);

  // Nothing is left behind.
  const drained = app.drain();
  await m.clock.advance(10_000);
  await drained;
  expect([app.state, broker.members('mill'), m.letters(), m.outputs()]).toEqual(['stopped', [], [], ['hello from in']]);
});
