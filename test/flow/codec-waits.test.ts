import { NEVER, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { text } from '../../src/codec/text.ts';
import { CodecError, TransportError } from '../../src/errors.ts';
import { CodecWaits, type PendingOf } from '../../src/flow/codec-waits.ts';
import { Owned } from '../../src/flow/owned.ts';
import { topic } from '../../src/pipeline.ts';
import { ProcessClock } from '../../src/simulation/process-clock.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { copying, type CopyingSpec, teach } from '../helpers/copying.ts';
import { knownNumbers } from '../helpers/known-codec.ts';

describe.each(['at-least-once', 'exactly-once'] as const)('a record whose codec waits, %s', (delivery) => {
  it('waits with those behind it in its partition; others go on, and order is kept', async () => {
    const c = await copying();
    c.feed(0, [1, 'a'], [2, 'b'], [1, 'c'], [2, 'd']);
    c.feed(1, [1, 'x'], [1, 'y']);
    const app = await c.start({ delivery });
    await c.clock.advance(3_000);
    expect([...c.outputs()].sort()).toEqual(['1:a', '1:x', '1:y']);
    expect(c.committed()).toEqual([1n, 2n]);
    expect(app.stats()).toMatchObject({ unreadable: [{ partition: 'in/0' }], recordsInFlight: 0 });
    teach(c.numbers, 2);
    await c.clock.advance(1_000);
    expect(c.outputs().filter((one) => !/[xy]/.test(one))).toEqual(['1:a', '2:b', '1:c', '2:d']);
    expect(c.committed()).toEqual([4n, 2n]);
    expect(app.stats()).toMatchObject({ unreadable: [], troubles: [], lag: 0n });
    const drained = app.drain();
    await c.clock.advance(1_000);
    await drained;
  });

  it('is a dead letter with its bytes when what it needs will never be there', async () => {
    const c = await copying();
    c.feed(0, [1, 'a'], [9, 'b'], [1, 'c']);
    await c.start({ delivery });
    await c.clock.advance(500);
    c.numbers.never.add(9);
    c.numbers.wake();
    await c.clock.advance(1_000);
    expect(c.outputs()).toEqual(['1:a', '1:c']);
    expect(c.letters()).toEqual([
      {
        value: '\u0009b',
        key: 'k',
        code: 'decode_failed',
        message: expect.stringContaining('record in/0@1: number 9 was never given out') as string,
      },
    ]);
    expect(c.committed()).toEqual([3n, 0n]);
  });

  it('is given back by a drain at once, and nothing is committed past it', async () => {
    const c = await copying();
    c.feed(0, [1, 'a'], [2, 'b'], [1, 'c']);
    const app = await c.start({ delivery });
    await c.clock.advance(500);
    const began = c.clock.nowMs();
    let ended = 0;
    void app.drain({ deadlineMs: 60_000 }).then(() => (ended = c.clock.nowMs()));
    await c.clock.advance(5_000);
    expect(ended - began).toBeLessThan(1_000);
    expect(c.committed()).toEqual([1n, 0n]);
    teach(c.numbers, 2); // what the former member waits for moves nothing any more
    await c.start({ delivery });
    await c.clock.advance(1_000);
    expect(c.outputs()).toEqual(['1:a', '2:b', '1:c']);
  });

  it('goes with its partition to another member, at once', async () => {
    const c = await copying();
    c.feed(0, [2, 'a'], [1, 'b']);
    c.feed(1, [2, 'c'], [1, 'd']);
    await c.start({ delivery });
    await c.clock.advance(500);
    void c.start({ delivery });
    await c.clock.advance(2_000);
    expect(c.outputs()).toEqual([]);
    teach(c.numbers, 2);
    await c.clock.advance(2_000);
    expect([...c.outputs()].sort()).toEqual(['1:b', '1:d', '2:a', '2:c']);
    expect(c.committed()).toEqual([2n, 2n]);
  });
});

describe('what waits', () => {
  it('is bounded: its partition is paused, however much comes, and the others have all of the window', async () => {
    const c = await copying();
    const large = 'x'.repeat(10_000);
    c.feed(0, [2, 'b'], ...Array.from({ length: 500 }, () => [1, large] as const));
    const app = await c.start();
    await c.clock.advance(1_000);
    const { bytesAhead, recordsInFlight } = app.stats();
    expect([recordsInFlight, bytesAhead < 2.2 * 1024 * 1024]).toEqual([0, true]);
    c.feed(1, ...Array.from({ length: 300 }, () => [1, large] as const));
    await c.clock.advance(2_000);
    expect(c.outputs()).toHaveLength(300);
    teach(c.numbers, 2);
    await c.clock.advance(5_000);
    expect(c.outputs()).toHaveLength(801);
  });

  it('may be the key, or both', async () => {
    const c = await copying({ partitions: 1 });
    const keys = knownNumbers([]);
    const input = topic('in', c.numbers.codec(), { key: keys.codec() });
    await c.start({ input: input });
    c.transport.broker.append('in', 0, [{ key: Buffer.from([5]), value: Buffer.from([6, 65]), headers: [] }]);
    await c.clock.advance(100);
    teach(c.numbers, 6);
    await c.clock.advance(1_000);
    expect(c.outputs()).toEqual([]);
    teach(keys, 5);
    await c.clock.advance(1_000);
    expect(c.outputs()).toEqual(['6:A']);
  });

  it('is asked for anew with pauses, where a codec says again and again that this is worth it', async () => {
    const c = await copying({ partitions: 1 });
    let asked = 0;
    const input = topic('in', {
      ...text(),
      open: () => Promise.resolve({ ...text(), pending: () => ((asked += 1), asked > 6 ? undefined : Promise.resolve()) }),
    });
    c.feed(0, [65, 'a']);
    await c.start({ input });
    await c.clock.advance(0);
    expect(asked).toBeLessThanOrEqual(2);
    await c.clock.advance(5_000);
    expect([asked, c.outputs()]).toEqual([7, ['Aa']]);
  });

  it.each([
    ['rejects with an error that may pass', () => Promise.reject(new CodecError('transport_unavailable', 'away'))],
    ['resolves for ever', () => Promise.resolve()],
  ])('does not take the loop when a codec %s', async (_, pending) => {
    const c = await copying({ partitions: 1 });
    let asked = 0;
    const input = topic('in', { ...text(), open: () => Promise.resolve({ ...text(), pending: () => ((asked += 1), pending()) }) });
    c.feed(0, [65, 'a']);
    const app = await c.start({ input });
    await c.clock.advance(60_000);
    expect([asked > 5, asked < 40, c.outputs(), c.letters()]).toEqual([true, true, [], []]);
    const drained = app.drain();
    await c.clock.advance(1_000);
    await drained;
    const before = asked;
    await c.clock.advance(60_000);
    expect(asked).toBe(before);
  });

  it.each([
    [
      'throws',
      (): Promise<void> => {
        throw new TypeError('broken');
      },
    ],
    ['rejects with what is no CodecError', () => Promise.reject(new TypeError('broken'))],
  ])('is a dead letter when its codec %s', async (_, pending) => {
    const c = await copying({ partitions: 1 });
    const input = topic('in', { ...text(), open: () => Promise.resolve({ ...text(), pending }) });
    c.feed(0, [65, 'a']);
    await c.start({ input });
    await c.clock.advance(1_000);
    expect(c.letters()).toMatchObject([{ code: 'decode_failed', value: 'Aa' }]);
  });

  it('is not what an owner before it had completed: nobody has to read that', async () => {
    const c = await copying({ partitions: 1, known: [1, 2] });
    c.feed(0, [1, 'a'], [2, 'b'], [1, 'c']);
    let hangs = true;
    const spec: CopyingSpec = {
      ordering: 'none',
      process: (source) => source.pipe(mapConcurrent((value) => (hangs && value === '1:a' ? NEVER : of(value)), { concurrency: 9 })),
    };
    const app = await c.start(spec);
    await c.clock.advance(1_000);
    expect([c.outputs(), c.committed()]).toEqual([['2:b', '1:c'], [0n]]);
    const drained = app.drain({ deadlineMs: 0 });
    await c.clock.advance(3_000);
    await drained;
    hangs = false;
    c.numbers.known.delete(2); // as after a restart
    await c.start(spec);
    await c.clock.advance(1_000);
    expect([c.outputs(), c.committed(), c.numbers.log.includes('asked 2')]).toEqual([['2:b', '1:c', '1:a'], [3n], false]);
  });

  it('stops the pipeline, and is given back, when it needs a person', async () => {
    const c = await copying({ partitions: 1 });
    const refused = new CodecError('authentication_failed', 'the registry refuses the login');
    const input = topic('in', { ...text(), open: () => Promise.resolve({ ...text(), pending: () => Promise.reject(refused) }) });
    c.feed(0, [65, 'a']);
    const app = await c.start({ input });
    await c.clock.advance(5_000);
    expect([app.state, c.letters(), c.committed()]).toEqual(['failed', [], [0n]]);
    await expect(app.done).rejects.toMatchObject({ code: 'authentication_failed' });
  });

  it('waits in a retry topic as in its own', async () => {
    const c = await copying({ partitions: 1, known: [1, 2] });
    c.feed(0, [2, 'a'], [1, 'b']);
    let fails = true;
    const spec: CopyingSpec = {
      retry: 'none',
      ordering: 'none',
      retryTopics: { delaysMs: [1_000] },
      process: (source) =>
        source.pipe(
          mapConcurrent(
            (value) => (fails && value === '2:a' ? throwError(() => new TransportError('transport_unavailable', 'busy')) : of(value)),
            {
              concurrency: 9,
            },
          ),
        ),
    };
    await c.start(spec, { createTopics: true });
    await c.clock.advance(500);
    fails = false;
    c.numbers.known.delete(2); // as after a restart
    await c.clock.advance(3_000);
    expect(c.outputs()).toEqual(['1:b']);
    teach(c.numbers, 2);
    await c.clock.advance(2_000);
    expect(c.outputs()).toEqual(['1:b', '2:a']);
  });
});

describe('codec waits', () => {
  const head = { offset: 5n, key: null, value: null, headers: [], timestampMs: 0 };
  const world = (pending: PendingOf) => {
    const time = virtualClock();
    const clock = Object.assign(new ProcessClock(time), { advance: (ms: number) => time.advance(ms) });
    const readable: Owned[] = [];
    const owned = new Owned({ topic: 'in', partition: 0, epoch: 1, start: 5n, committed: undefined, high: 9n, reset: undefined }, 'fail');
    return { clock, readable, owned, waits: new CodecWaits({ clock, pending, readable: (one) => void readable.push(one) }) };
  };

  it('say nothing of a partition that has left', async () => {
    const needed = Promise.withResolvers<undefined>();
    const { clock, readable, owned, waits } = world(() => needed.promise);
    expect(waits.parks(owned, head)).toBe(true);
    waits.forget(owned);
    needed.resolve(undefined);
    await clock.advance(10_000);
    expect([readable, owned.unreadableSinceMs]).toEqual([[], undefined]);
  });

  it.each(['forget', 'stop'] as const)('leave no timer behind: %s', async (end) => {
    const { clock, readable, owned, waits } = world(() => Promise.reject(new TransportError('transport_unavailable', 'away')));
    waits.parks(owned, head);
    await clock.advance(0);
    expect(clock.timers).toBe(1);
    waits[end](owned);
    expect(clock.timers).toBe(0);
    await clock.advance(10_000);
    expect(readable).toEqual([]);
  });

  it('ask once for a record that can be read', () => {
    let asked = 0;
    const { owned, waits } = world(() => ((asked += 1), undefined));
    expect([waits.parks(owned, head), waits.parks(owned, head), asked]).toEqual([false, false, 1]);
  });
});
