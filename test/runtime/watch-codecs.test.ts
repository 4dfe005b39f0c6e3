import { describe, expect, it } from 'vitest';
import { silentLog } from '../../src/runtime/logging.ts';
import { copying, teach } from '../helpers/copying.ts';

describe('what waits for its codec', () => {
  it('is told as a trouble, once, with what waits, and that it works again', async () => {
    const lines: unknown[] = [];
    const log = { ...silentLog, warn: (details: object, message: string) => void lines.push({ ...details, message }) };
    const c = await copying();
    c.numbers.down = 'the registry does not answer since 12:00';
    c.feed(0, [2, 'a']);
    const app = await c.start({}, { log });
    await c.clock.advance(1_000);
    c.feed(1, [2, 'b']);
    await c.clock.advance(10_000);
    const told = 'codec known of the values of topic in: the registry does not answer since 12:00';
    expect(app.stats().troubles).toEqual([`${told}; in/0, in/1 wait for it`]);
    c.numbers.down = undefined;
    teach(c.numbers, 2);
    await c.clock.advance(1_000);
    expect(app.stats().troubles).toEqual([]);
    expect(lines).toEqual([
      { pipeline: 'g', where: 'codecs.in.value.in', why: `${told}; in/0 waits for it`, message: 'does not work at present' },
      { pipeline: 'g', where: 'codecs.in.value.in', message: 'works again' },
    ]);
  });

  it('is told also when its codec says nothing, but not at once', async () => {
    const c = await copying();
    c.feed(0, [2, 'a']);
    const app = await c.start();
    await c.clock.advance(1_500);
    expect(app.stats().troubles).toEqual([]);
    await c.clock.advance(2_000);
    expect(app.stats().troubles).toEqual([
      'codec known of the values of topic in: it waits for what it needs to read a record; in/0 waits for it',
    ]);
  });
});
