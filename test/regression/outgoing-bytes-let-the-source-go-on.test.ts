import { describe, expect, it } from 'vitest';
import { mapValue } from '../../operators/map-value.ts';
import type { Consumer } from '../../src/transport/transport.ts';
import { mill } from '../helpers/mill.ts';

describe('a source that is held by bytes on their way to the broker', () => {
  it('goes on when they are acknowledged, although their records were lost meanwhile', async () => {
    const m = await mill();
    const { transport } = m;
    await m.feed(Array.from({ length: 12 }, (_, value) => ({ key: 'k', value })));
    let consumer: Consumer | undefined;
    const consume: typeof transport.consume = async (options, handlers) => (consumer = await transport.consume(options, handlers));
    const spied = {
      ...transport,
      name: 'memory',
      consume,
      produce: () => transport.produce(),
      describeTopics: (names: readonly string[]) => transport.describeTopics(names),
    };
    transport.broker.delayAcknowledgements(5_000);
    const app = await m.start(
      (s) => s.pipe(mapValue((v) => `${String(v)} ${'x'.repeat(500)}`)),
      {},
      { transport: spied, maxBytesInFlight: 400 },
    );
    await m.clock.advance(100);
    expect(app.stats().bytesOutgoing).toBeGreaterThan(400);
    if (consumer) transport.broker.expel(consumer);
    await m.clock.advance(1_000);
    expect(app.stats().pausedBy).toBe('bytes for the broker');
    transport.broker.delayAcknowledgements(0);
    await m.clock.advance(60_000);
    expect([app.stats().bytesOutgoing, m.committed()]).toEqual([0, [12n]]);
  });
});
