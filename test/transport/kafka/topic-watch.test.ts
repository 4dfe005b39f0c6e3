import { describe, expect, it } from 'vitest';
import type { TransportError } from '../../../src/errors.ts';
import { TopicWatch } from '../../../src/transport/kafka/topic-watch.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

function rig() {
  const clock = virtualClock(0);
  const there = new Set(['a', 'b']);
  const seen = { broker: true, asked: 0, errors: [] as TransportError[] };
  const watch = new TopicWatch({
    clock,
    topics: ['a', 'b'],
    ask: () => {
      seen.asked += 1;
      return seen.broker ? Promise.resolve(there) : Promise.reject(new Error('down'));
    },
    gone: (error) => seen.errors.push(error),
  });
  /** As often as the watchdog looks. */
  const looks = async (forMs: number): Promise<string | undefined> => {
    let why: string | undefined;
    for (let ms = 0; ms < forMs; ms += 500) {
      why = watch.look();
      await clock.advance(500);
    }
    return why;
  };
  return { there, seen, watch, looks };
}

describe('TopicWatch', () => {
  it('names a topic that is gone at once, and gives up after 10 s', async () => {
    const { there, seen, looks } = rig();
    there.delete('b');
    expect(await looks(1_000)).toMatch(/^topic b does not exist any more; create it anew/);
    await looks(8_500);
    expect(seen.errors).toEqual([]);
    await looks(1_000);
    expect(seen.errors[0]).toMatchObject({ code: 'unknown_topic', message: expect.stringContaining('topic b does') as string });
  });

  it.each([
    ['it comes back', (there: Set<string>) => there.add('b')],
    [
      'the reader hears again',
      (_: Set<string>, watch: TopicWatch) => {
        watch.heard();
      },
    ],
  ])('begins anew when %s', async (_, change) => {
    const { there, seen, watch, looks } = rig();
    there.delete('b');
    await looks(9_000);
    change(there, watch);
    await looks(500);
    there.delete('b');
    await looks(9_000);
    expect(seen.errors).toEqual([]);
  });

  it('says nothing of topics while the brokers do not answer', async () => {
    const { there, seen, looks } = rig();
    there.delete('a');
    seen.broker = false;
    expect(await looks(60_000)).toBeUndefined();
    expect(seen.errors).toEqual([]);
  });
});
