import { expect, it } from 'vitest';
import type { SourceRecord } from '../../src/record/record.ts';
import { mill } from '../helpers/mill.ts';

const text = (value: string): Pick<SourceRecord, 'key' | 'value' | 'headers'> => ({
  key: null,
  value: Buffer.from(JSON.stringify(value)),
  headers: [],
});

it.each(['at-least-once', 'exactly-once'] as const)(
  'behind a writer of transactions nothing is left to read, and that is what is told and stored: %s',
  async (delivery) => {
    const { clock, transport, start, outputs, committed } = await mill();
    const app = await start((records) => records, { delivery });
    const writer = await transport.transact({ transactionalId: 'writer' });
    const first = await writer.begin();
    await first.send('in', 0, [text('a'), text('b')]);
    await first.commit();
    await clock.advance(1_000);
    expect([outputs(), app.stats().lag, committed()]).toEqual([['a', 'b'], 0n, [3n]]);

    const second = await writer.begin();
    await second.send('in', 0, [text('c'), text('d')]);
    await clock.advance(1_000);
    expect(app.stats().lag).toBe(2n); // written, and not decided
    await second.abort();
    await clock.advance(1_000);
    expect([outputs(), app.stats().lag, committed()]).toEqual([['a', 'b'], 0n, [6n]]);

    transport.broker.skipOffsets('in', 0, 3);
    await clock.advance(1_000);
    expect([app.stats().lag, committed()]).toEqual([0n, [9n]]);
    await writer.close();
    await app.drain();

    const heir = await start((records) => records, { delivery });
    await clock.advance(1_000);
    expect([heir.stats().lag, heir.stats().done]).toEqual([0n, 0]);
    await heir.drain();
  },
);

it('what is there to be read is told before any of it is fetched', async () => {
  const { clock, feed, transport, start } = await mill();
  await feed([{ value: 'a' }, { value: 'b' }]);
  transport.broker.delayFetches(1_000);
  const app = await start((records) => records);
  await clock.advance(500);
  expect([app.stats().partitions, app.stats().lag]).toEqual([1, 2n]);
  await clock.advance(2_000);
  expect([app.stats().done, app.stats().lag]).toEqual([2, 0n]);
  await app.drain();
});
