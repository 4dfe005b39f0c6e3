import { beforeEach, describe, expect, it } from 'vitest';
import { answerId } from '../../../src/policies/internal/stored-answer.ts';
import { answers, answersRig, type Rig } from '../../helpers/kept-answers.ts';

let { clock, transport, instance, stored } = {} as Rig;
beforeEach(async () => {
  ({ clock, transport, instance, stored } = await answersRig());
});

describe('an answer that cannot be stored', () => {
  const none = new Map<string, unknown>([
    ['a function', () => 5],
    ['a date, which would come back as text', new Date(5)],
    ['a Map', new Map([['a', 1]])],
    ['a BigInt', 5n],
    ['NaN', Number.NaN],
    ['one that is too large', 'x'.repeat(1_000)],
  ]);
  it.each([...none])('%s is kept in memory alone, and counted', async (_, value) => {
    const { cache, store } = await instance({ store: { maxEntryBytes: 1_000 }, cache: { bytesOf: () => 10 } });
    cache.set('k', [value], clock.nowMs());
    await clock.advance(1_000);
    expect([stored().length, store()?.['refused_total'], store()?.['written_total']]).toEqual([0, 1, 0]);
  });

  it('a member that is undefined is as good as none', async () => {
    const { cache } = await instance();
    cache.set('k', [{ a: 1, b: undefined }], clock.nowMs());
    await clock.advance(1_000);
    expect((await instance()).cache.get('k', clock.nowMs())).toEqual([{ a: 1 }]);
  });

  it('one that the broker refuses for its size is given up; those beside it are written', async () => {
    const { cache, store } = await instance();
    transport.broker.delayAcknowledgements(50);
    for (const [key, size] of [
      ['a', 3_000],
      ['b', 5_000],
      ['c', 3_000],
      ['d', 3_000],
      ['e', 10],
      ['f', 10],
    ] as const)
      cache.set(key, ['x'.repeat(size)], clock.nowMs());
    await clock.advance(5_000);
    expect(store()).toMatchObject({ written_total: 5, refused_total: 1, pending: 0 });
    expect(stored()).toHaveLength(5);
  });

  it('goes through a codec of its own', async () => {
    const codec = {
      name: 'numbers',
      encode: (values: readonly unknown[]) => Buffer.from(values.map(String).join()),
      decode: (bytes: Uint8Array | null) =>
        Buffer.from(bytes ?? [])
          .toString()
          .split(',')
          .map(BigInt),
    };
    const given = { store: { codec }, cache: { bytesOf: () => 10 } };
    const { cache } = await instance(given);
    cache.set('k', [5n, 6n], clock.nowMs());
    await clock.advance(1_000);
    expect((await instance(given)).cache.get('k', clock.nowMs())).toEqual([5n, 6n]);
  });
});

describe('a record that is no answer', () => {
  const id = answerId('a');
  const head = (value: string) => [['millrace-answer', Buffer.from(value)]] as const;
  const value = Buffer.from('["planted"]');
  it.each<
    [
      string,
      { readonly key: Uint8Array | null; readonly value: Uint8Array | null; readonly headers: ReturnType<typeof head> | readonly [] },
    ]
  >([
    ['of another program', { key: Buffer.from(id), value, headers: [] }],
    ['of another format', { key: Buffer.from(id), value, headers: head('2 1000000 ') }],
    ['of another version', { key: Buffer.from(id), value, headers: head('1 1000000 v2') }],
    ['without a time', { key: Buffer.from(id), value, headers: head('1 soon ') }],
    ['under another key', { key: Buffer.from('a'), value, headers: head('1 1000000 ') }],
    ['that takes nothing back', { key: Buffer.from('*'), value: null, headers: head('1 1000000 ') }],
    ['of garbage', { key: Buffer.from(id), value: new Uint8Array([0xff, 0, 1]), headers: head('1 1000000 ') }],
    ['that is no list', { key: Buffer.from(id), value: Buffer.from('{"length":1}'), headers: head('1 1000000 ') }],
    [
      'that is larger than one may be',
      { key: Buffer.from(id), value: Buffer.from(`["${'x'.repeat(3_000)}"]`), headers: head('1 1000000 ') },
    ],
    ['without a key', { key: null, value, headers: head('1 1000000 ') }],
  ])('%s is passed over, and counted; what stands behind it is read', async (_, record) => {
    transport.broker.append(answers, 0, [record, { key: Buffer.from(answerId('b')), value, headers: head('1 1000000 ') }]);
    const { cache, store } = await instance({ store: { maxEntryBytes: 2_000 } });
    expect(store()).toMatchObject({ ignored_total: 1, read_total: 1, caught_up: 1 });
    expect([cache.get('a', clock.nowMs()), cache.get('b', clock.nowMs())]).toEqual([undefined, ['planted']]);
  });

  it('as a range that cannot be read is passed over, too', async () => {
    transport.broker.appendUndecodable(answers, 0, { offsets: 3, reason: 'a checksum', bytes: 10 });
    const { store, ask } = await instance();
    expect(await ask('a')).toBe(1);
    expect(store()).toMatchObject({ ignored_total: 1, caught_up: 1 });
  });
});
