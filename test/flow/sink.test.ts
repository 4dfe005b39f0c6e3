import { describe, expect, it } from 'vitest';
import { call } from '../../src/call.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { mapValue } from '../../operators/map-value.ts';
import { sleep } from '../../src/clock.ts';
import { mill, numbers, sorted, upTo } from '../helpers/mill.ts';

describe('trouble with the log', () => {
  it('waits for a broker that is down, loses nothing, and says so meanwhile', async () => {
    const m = await mill();
    await m.feed(numbers(20, 20));
    const app = await m.start((s) =>
      s.pipe(
        mapConcurrent(
          (v) =>
            call(async () => {
              await sleep(m.clock, 100);
              return v;
            }),
          { concurrency: 2 },
        ),
      ),
    );
    await m.clock.advance(450);
    m.transport.broker.down();
    await m.clock.advance(30_000);
    expect(app.stats().troubles.length).toBeGreaterThan(0);
    m.transport.broker.up();
    await m.clock.advance(30_000);
    expect([sorted(m.outputs()), m.committed(), app.stats().troubles]).toEqual([upTo(20), [20n], []]);
  });

  it('cuts a send that is too large until the record at fault stands alone', async () => {
    const m = await mill({ maxRecordBytes: 2_000 });
    await m.feed(numbers(30));
    await m.start((s) => s.pipe(mapValue((v) => (v === 11 ? 'y'.repeat(5_000) : v))));
    await m.clock.advance(5_000);
    expect(m.outputs()).toEqual(upTo(30).filter((v) => v !== 11));
    expect(m.letters().map(({ value, header }) => [value, header('millrace.error.code')])).toEqual([['11', 'record_too_large']]);
  });

  it('writes a dead letter without its payload when that is too large', async () => {
    const m = await mill({ maxRecordBytes: 2_000 });
    m.transport.broker.append('in', 0, []);
    const big = Buffer.from(JSON.stringify('z'.repeat(1_800)));
    m.feedRaw(big);
    await m.start((s) =>
      s.pipe(
        mapValue(() => {
          throw new Error('no luck');
        }),
      ),
    );
    await m.clock.advance(5_000);
    expect(m.letters().map(({ value, header }) => [value, header('millrace.payload'), header('__streams.errors.offset')])).toEqual([
      ['', 'omitted', '0'],
    ]);
    expect(m.committed()).toEqual([1n]);
  });
});
