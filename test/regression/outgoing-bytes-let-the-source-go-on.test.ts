import { describe, expect, it } from 'vitest';
import { mapValue } from '../../operators/map-value.ts';
import { mill } from '../helpers/mill.ts';
import { tapped } from '../helpers/pass-through.ts';

describe('a source that is held by bytes on their way to the broker', () => {
  it('goes on when they are acknowledged, although their records were lost meanwhile', async () => {
    const m = await mill();
    const { transport } = m;
    await m.feed(Array.from({ length: 12 }, (_, value) => ({ key: 'k', value })));
    const { transport: spied, consumer } = tapped(transport);
    transport.broker.delayAcknowledgements(5_000);
    const app = await m.start(
      (s) => s.pipe(mapValue((v) => `${String(v)} ${'x'.repeat(500)}`)),
      {},
      { transport: spied, maxBytesInFlight: 400 },
    );
    await m.clock.advance(100);
    expect(app.stats().bytesOutgoing).toBeGreaterThan(400);
    const member = consumer();
    if (member) transport.broker.expel(member);
    await m.clock.advance(1_000);
    expect(app.stats().pausedBy).toBe('bytes for the broker');
    transport.broker.delayAcknowledgements(0);
    await m.clock.advance(60_000);
    expect([app.stats().bytesOutgoing, m.committed()]).toEqual([0, [12n]]);
  });
});
