import { describe, expect, it } from 'vitest';
import { mapValue } from '../../operators/map-value.ts';
import type { Log } from '../../src/runtime/logging.ts';
import { mill, numbers } from '../helpers/mill.ts';
import { tapped } from '../helpers/pass-through.ts';

/** A pipeline whose log is listened to as the command line does it: warnings and errors. */
async function heard() {
  const m = await mill();
  const loud: string[] = [];
  const nothing = (): void => undefined;
  const tell = (_: object, message: string): void => {
    loud.push(message);
  };
  const log: Log = { debug: nothing, info: nothing, warn: tell, error: tell };
  const { transport, consumer } = tapped(m.transport);
  await m.feed(numbers(3));
  const app = await m.start((s) => s.pipe(mapValue((v) => v)), {}, { log, transport });
  await m.clock.advance(1_000);
  const expel = (): void => {
    const member = consumer();
    if (member) m.transport.broker.expel(member);
  };
  return { ...m, app, loud, expel };
}

describe('who listens to warnings', () => {
  it('hears nothing of a pipeline that works', async () => {
    expect((await heard()).loud).toEqual([]);
  });

  it('hears that the broker is back, after hearing that it is gone', async () => {
    const { transport, clock, loud } = await heard();
    transport.broker.down();
    await clock.advance(5_000);
    expect(loud).toEqual(['does not work at present']);
    transport.broker.up();
    await clock.advance(60_000);
    expect(loud).toEqual(['does not work at present', 'works again']);
  });

  it('hears that partitions came back after they were lost, each time', async () => {
    const { clock, loud, expel, app } = await heard();
    for (let nth = 1; nth <= 2; nth += 1) {
      loud.length = 0;
      expel();
      await clock.advance(60_000);
      expect(loud.filter((message) => /lost|assigned/.test(message))).toEqual([expect.stringMatching(/^lost: /), 'assigned']);
    }
    expect(app.stats().partitions).toBe(1);
  });
});
