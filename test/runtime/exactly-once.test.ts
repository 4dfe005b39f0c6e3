import { NEVER, type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchWithin } from '../../operators/batch-within.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { mapValue } from '../../operators/map-value.ts';
import { routeBy } from '../../operators/route-by.ts';
import { split } from '../../operators/split.ts';
import { bytes } from '../../src/codec/bytes.ts';
import { json } from '../../src/codec/json.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import { type Mill, mill, numbers, sorted, upTo, type Value } from '../helpers/mill.ts';

const delivery = 'exactly-once';

describe('exactly once', () => {
  describe('an output of several records', () => {
    const merging = (within: 'pipeline' | 'partition') => (source: Observable<Envelope<Value>>) =>
      source.pipe(
        batchWithin({ maxSize: within === 'pipeline' ? 3 : 4, maxWaitMs: 50, within }),
        mapValue((batch: readonly Value[]): Value => batch.map(String).join('+')),
      );
    const feed = (m: Mill): Promise<void> => m.feed(upTo(16).map((value) => ({ key: `k${String(value)}`, value, partition: value % 2 })));

    it('fails as cross_partition_output where they are of several partitions', async () => {
      const m = await mill({ partitions: 2 });
      await feed(m);
      await m.start(merging('pipeline'), { delivery });
      await m.clock.advance(5_000);
      expect([m.outputs().length, m.letters().length, m.committed()]).toEqual([5, 3, [8n, 8n]]); // one of the batches begins in one partition and ends in the other
      expect(new Set(m.letters().map(({ header }) => header('millrace.error.code')))).toEqual(new Set(['cross_partition_output']));
    });

    it('is written where they are of one, with all their offsets in one transaction', async () => {
      const m = await mill({ partitions: 2 });
      await feed(m);
      const app = await m.start(merging('partition'), { delivery }, { commitEveryRecords: 1 });
      await m.clock.advance(5_000);
      const outputs = ['0+2+4+6', '8+10+12+14', '1+3+5+7', '9+11+13+15'];
      expect([m.outputs().toSorted(), m.letters(), m.committed(), app.stats().done]).toEqual([outputs.toSorted(), [], [8n, 8n], 16]);
    });

    it('is written across partitions with at-least-once, as ever', async () => {
      const m = await mill({ partitions: 2 });
      await feed(m);
      await m.start(merging('pipeline'));
      await m.clock.advance(5_000);
      expect([m.outputs().length, m.letters(), m.committed()]).toEqual([6, [], [8n, 8n]]);
    });

    it('waits for all that belongs to its records: none is committed without the other', async () => {
      const m = await mill();
      await m.feed(numbers(2, 2));
      const app = await m.start(
        (s) =>
          s.pipe(
            split((v) => [v, `${String(v)} later`]),
            mapConcurrent((v: Value) => (v === '1 later' ? NEVER : of(v)), { concurrency: 10 }),
            batchWithin({ maxSize: 3, maxWaitMs: 50 }),
            mapValue((batch: readonly Value[]): Value => batch.map(String).join('+')),
          ),
        { delivery },
      );
      await m.clock.advance(5_000);
      expect([m.outputs(), m.committed(), app.stats()]).toMatchObject([[], [0n], { done: 0, recordsInFlight: 2 }]);
    });
  });

  it('writes to topics outside of transactions at once, and commits a record when that is acknowledged', async () => {
    const m = await mill();
    await m.transport.createTopics([{ name: 'progress' }]);
    const topics = { result: topic('out', json()), progress: topic('progress', json(), { transactional: false }) };
    const pipeline = definePipeline({
      name: 'mill',
      input: topic('in', json()),
      output: topics,
      deadLetter: topic('dead'),
      delivery,
      process: (s) =>
        s.pipe(
          split((v) => [v, `began ${String(v)}`]),
          routeBy((v) => (typeof v === 'string' ? 'progress' : 'result')),
        ),
    });
    const app = await start(pipeline, { transport: m.transport, clock: m.clock, log: silentLog, signals: false });
    const progress = (): number => m.transport.broker.records('progress', 0).length;
    await m.clock.advance(50);
    await m.feed(numbers(3, 3));
    m.transport.broker.delayAcknowledgements(1_000);
    await m.clock.advance(50);
    expect([progress(), m.outputs()]).toEqual([3, []]);
    await m.clock.advance(900);
    expect([m.outputs(), app.stats().transactions.committed]).toEqual([[], 0]);
    m.transport.broker.delayAcknowledgements(0);
    await m.clock.advance(2_000);
    expect([progress(), sorted(m.outputs()), m.committed(), app.stats().done]).toEqual([3, [0, 1, 2], [3n], 3]);
  });

  it.each([
    {
      wrong: 'dead letters outside of the transactions',
      given: { deadLetter: topic('dead', bytes(), { transactional: false }), delivery } as const,
      says: "deadLetter of pipeline mill must be transactional with delivery 'exactly-once'",
    },
    {
      wrong: 'an unknown delivery',
      given: { delivery: 'twice' as never },
      says: 'delivery must be one of at-least-once, exactly-once, got "twice"',
    },
  ])('refuses $wrong', async ({ given, says }) => {
    const m = await mill();
    expect(() => m.pipeline((s) => s, given)).toThrow(says);
  });

  it('refuses a transport that has no transactions, at the start', async () => {
    const m = await mill();
    const transport = Object.create(m.transport, { transact: { value: undefined } }) as typeof m.transport;
    await expect(m.start((s) => s, { delivery }, { transport })).rejects.toThrow('has no transactions');
  });
});
