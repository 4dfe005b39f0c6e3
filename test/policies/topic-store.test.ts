import { beforeEach, describe, expect, it } from 'vitest';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { callCache } from '../../src/policies/call-cache.ts';
import { answerId } from '../../src/policies/internal/stored-answer.ts';
import { topicStore, type TopicStoreOptions } from '../../src/policies/topic-store.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { type App, start } from '../../src/runtime/start.ts';
import { failureOf } from '../helpers/failure-of.ts';
import { answers, answersRig, type Instance, type Rig } from '../helpers/kept-answers.ts';

let { clock, transport, begin, instance, stop, stored, brokenAnswers } = {} as Rig;
beforeEach(async () => {
  ({ clock, transport, begin, instance, stop, stored, brokenAnswers } = await answersRig());
});

describe('topicStore', () => {
  it('keeps answers over a restart: no call is made again', async () => {
    const first = await instance();
    expect(await first.ask('a', 'b', 'c', 'a')).toBe(3);
    await stop(first);
    const second = await instance();
    expect(await second.ask('a', 'b', 'c')).toBe(0);
    expect(second.outputs()).toEqual(['a!', 'b!', 'c!']);
    expect(second.store()).toMatchObject({ caught_up: 1, read_total: 3, written_total: 0, ignored_total: 0 });
  });

  it('writes what is not written yet when the pipeline ends', async () => {
    const first = await instance();
    transport.broker.failSends(1); // so that it waits for its second try
    first.cache.set('late', ['x'], clock.nowMs());
    await stop(first);
    expect((await instance()).cache.get('late', clock.nowMs())).toEqual(['x']);
  });

  it('shares with those that run: each sees what the other has asked', async () => {
    const [one, other] = [await instance(), await instance()];
    expect(await one.ask('a')).toBe(1);
    expect(await other.ask('a', 'b')).toBe(1);
    expect(await one.ask('b')).toBe(0);
  });

  it('has one record a key, with no text of it, and nothing but the answer', async () => {
    const { ask } = await instance();
    await ask('my secret prompt');
    expect(stored().map(({ key, value }) => [Buffer.from(key ?? []).toString(), Buffer.from(value ?? []).toString()])).toEqual([
      [answerId('my secret prompt'), '["my secret prompt!"]'],
    ]);
    expect(answerId('my secret prompt')).not.toContain('secret');
    expect(stored()[0]?.timestampMs).toBeGreaterThanOrEqual(1_000_000);
  });

  it('counts an answer as old as it is, not as long as it was read', async () => {
    const first = await instance({ cache: { maxAgeMs: 60_000 } });
    await first.ask('old');
    await stop(first);
    await clock.advance(30_000);
    const second = await instance({ cache: { maxAgeMs: 60_000 } });
    expect(await second.ask('old')).toBe(0);
    await clock.advance(30_000);
    expect(await second.ask('old')).toBe(1);
    await stop(second);
    await clock.advance(120_000);
    const third = await instance({ cache: { maxAgeMs: 60_000 } });
    expect(third.cache.size).toBe(0);
  });

  it('takes no answer for younger than now, whatever the clock of the one who wrote it', async () => {
    const first = await instance();
    first.cache.set('ahead', ['x'], clock.nowMs() + 3_000_000);
    await stop(first);
    const second = await instance({ cache: { maxAgeMs: 60_000 } });
    expect(second.cache.size).toBe(1);
    await clock.advance(60_000);
    expect(second.cache.get('ahead', clock.nowMs())).toBeUndefined();
  });

  it('holds no more than its bytes of a topic that is larger', async () => {
    const first = await instance();
    await first.ask(...Array.from({ length: 50 }, (_, i) => `k${String(i)}`));
    await stop(first);
    const second = await instance({ cache: { maxBytes: 3_000 } });
    expect(second.store()).toMatchObject({ read_total: 50, caught_up: 1 });
    expect(second.cache.bytes).toBeLessThanOrEqual(3_000);
    expect(second.cache.size).toBeGreaterThan(5);
    expect(stored()).toHaveLength(50);
  });

  it.each<[string, (run: Instance) => void]>([
    [
      'one',
      ({ cache }) => {
        cache.forget('a');
      },
    ],
    [
      'all',
      ({ cache }) => {
        cache.forget();
      },
    ],
  ])('forgets %s in the topic and in the others, too, and learns it anew', async (_, forget) => {
    const [one, other] = [await instance(), await instance()];
    await one.ask('a');
    forget(one);
    await clock.advance(1_000);
    expect([one.cache.size, other.cache.size]).toEqual([0, 0]);
    const later = await instance();
    expect(later.cache.size).toBe(0);
    expect(await later.ask('a')).toBe(1);
    expect([one.cache.size, other.cache.size]).toEqual([1, 1]);
    expect((await instance()).cache.size).toBe(1);
  });

  it('does not bring back what is forgotten while its answer is still on its way', async () => {
    const { cache } = await instance();
    transport.broker.delayFetches(500);
    cache.set('a', ['x'], clock.nowMs());
    await clock.advance(100);
    cache.forget('a');
    const seen = new Set<number>();
    for (let i = 0; i < 200; i += 1) {
      await clock.advance(10);
      seen.add(cache.size);
    }
    expect([...seen]).toEqual([0]);
  });

  it('honours the tombstone of any program', async () => {
    const { cache, ask } = await instance();
    await ask('a');
    const { key = null } = stored()[0] ?? {};
    const partition = [0, 1, 2].findIndex((one) => transport.broker.records(answers, one).length > 0);
    transport.broker.append(answers, partition, [{ key, value: null, headers: [] }]);
    await clock.advance(100);
    expect(cache.size).toBe(0);
  });
});

describe('a store that is away', () => {
  it('costs no record anything: what is asked is called for, written later, and told meanwhile', async () => {
    const away = brokenAnswers();
    const { app, ask, store } = await instance();
    await ask('a');
    away.writing = true;
    expect(await ask('b', 'c')).toBe(2);
    expect(app.stats()).toMatchObject({ done: 3, failed: 0 });
    expect(app.stats().troubles).toEqual([
      'topic answers, of a cache of answers, cannot be written: no leader; calls go on without it, and it is tried again',
    ]);
    expect(app.stats().policies.find(({ name }) => name === 'cache/store')?.reason).toBe('cannot be written: no leader');
    expect(store()).toMatchObject({ pending: 2, written_total: 1 });
    expect(store()?.['failures_total']).toBeGreaterThan(1);
    away.writing = false;
    await clock.advance(20_000);
    expect(app.stats().troubles).toEqual([]);
    expect(store()).toMatchObject({ pending: 0, written_total: 3, dropped_total: 0 });
    expect(stored()).toHaveLength(3);
  });

  it('waits with so many bytes only: the oldest answers go, what is to be forgotten stays', async () => {
    const away = brokenAnswers();
    const { cache, store } = await instance({ store: { maxPendingBytes: 2_000 } });
    away.writing = true;
    cache.forget('gone');
    for (let i = 0; i < 20; i += 1) cache.set(`k${String(i)}`, ['x'.repeat(200)], clock.nowMs());
    await clock.advance(1_000);
    expect(store()?.['pending']).toBeLessThan(8);
    expect((store()?.['pending'] ?? 0) + (store()?.['dropped_total'] ?? 0)).toBe(21);
    away.writing = false;
    await clock.advance(20_000);
    const ids = stored().map(({ key }) => Buffer.from(key ?? []).toString());
    expect(ids).toContain(answerId('gone'));
    expect(ids).toContain(answerId('k19'));
    expect(ids).not.toContain(answerId('k0'));
  });

  it('at the start is waited for so long, then it is read while records run', async () => {
    const first = await instance();
    await first.ask('a', 'b');
    await stop(first);
    const away = brokenAnswers();
    away.reading = true;
    const started = await begin({ store: { readWithinMs: 3_000 } });
    let startedMs = 0;
    const starting = started().then((run) => {
      startedMs = clock.nowMs();
      return run;
    });
    const beganMs = clock.nowMs();
    await clock.advance(4_000);
    expect(startedMs - beganMs).toBe(3_000);
    const run = await starting;
    expect(run.app.stats().troubles[0]).toContain('cannot be read: no broker');
    expect(await run.ask('a')).toBe(1);
    expect(run.store()).toMatchObject({ caught_up: 0, read_total: 0 });
    away.reading = false;
    await clock.advance(20_000);
    expect(run.app.stats().troubles).toEqual([]);
    expect(await run.ask('b')).toBe(0);
    expect(run.store()).toMatchObject({ caught_up: 1 });
  });

  it('in the midst of it goes on where the broker comes back', async () => {
    const [one, other] = [await instance(), await instance()];
    await one.ask('a');
    transport.broker.down();
    await clock.advance(5_000);
    transport.broker.up();
    await clock.advance(20_000);
    expect(await one.ask('b')).toBe(1);
    expect(await other.ask('a', 'b')).toBe(0);
    expect([one.app.stats().troubles, other.app.stats().troubles]).toEqual([[], []]);
  });
});

describe('a topic that would not do', () => {
  it.each<[string, Partial<TopicStoreOptions>, string, string]>([
    [
      'that does not exist',
      { topic: 'missing' },
      'unknown_topic',
      'topic missing, for answers, does not exist; create it as a compacted one',
    ],
    ['that is not compacted', { topic: 'plain' }, 'invalid_option', 'topic plain, for answers, is not compacted'],
  ])('%s fails the start', async (_, store, code, message) => {
    await transport.createTopics([{ name: 'plain' }]);
    const error = await failureOf(instance({ store }));
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) as string });
  });

  it('is created as a compacted one where topics are', async () => {
    await instance({ store: { topic: 'made' }, options: { createTopics: true } });
    expect([...((await transport.compactedTopics?.(['made', answers, 'p1-in'])) ?? [])]).toEqual(['made', answers]);
  });
});

describe('options of topicStore', () => {
  it.each<[object, string]>([
    [{}, 'topicStore.topic'],
    [{ topic: 'a', maxEntryBytes: 0 }, 'maxEntryBytes'],
    [{ topic: 'a', maxPendingBytes: 0.5 }, 'maxPendingBytes'],
    [{ topic: 'a', readWithinMs: -1 }, 'readWithinMs'],
    [{ topic: 'a', version: 2 }, 'topicStore.version must be text, got number'],
    [{ topic: 'a', codec: {} }, 'topicStore.codec must be a codec'],
    [{ topic: 'a', maxBytes: 5 }, 'topicStore has no option maxBytes'],
  ])('%j are refused', (options, message) => {
    expect(() => topicStore(options as TopicStoreOptions)).toThrow(message);
  });

  it('callCache takes nothing else for a store', () => {
    expect(() => callCache({ store: 'answers' as never })).toThrow('callCache.store must be a topicStore({ … }), got string');
  });
});

it('one cache of two pipelines has one store, until the last of them ends', async () => {
  const cache = callCache({ store: topicStore({ topic: answers }) });
  const pipelines = ['x', 'y'].map((name) =>
    definePipeline({ name, input: topic(name), deadLetter: 'stop', resources: { cache }, process: (source) => source }),
  );
  await transport.createTopics([{ name: 'x' }, { name: 'y' }]);
  const starting = pipelines.map((one) => start(one, { transport, clock, log: silentLog, signals: false }));
  await clock.advance(10);
  const [x, y] = (await Promise.all(starting)) as [App, App];
  const end = async (app: App): Promise<void> => {
    const drained = app.drain();
    await clock.advance(100);
    await drained;
  };
  await end(x);
  cache.set('k', ['v'], clock.nowMs());
  await clock.advance(100);
  expect(stored()).toHaveLength(1);
  await end(y);
  cache.set('l', ['v'], clock.nowMs());
  await clock.advance(100);
  expect(stored()).toHaveLength(1);
});
