import { describe, expect, it } from 'vitest';
import { text } from '../../src/codec/text.ts';
import { TransportError } from '../../src/errors.ts';
import { topic } from '../../src/pipeline.ts';
import { connect } from '../../src/runtime/connect.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { teach } from '../helpers/copying.ts';
import { knownNumbers } from '../helpers/known-codec.ts';

async function world() {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, partitions: 2 });
  await transport.createTopics([{ name: 't' }]);
  const numbers = knownNumbers([1]);
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (_: object, message: string) => void warnings.push(message) };
  const append = (partition: number, ...values: readonly string[]): void => {
    for (const value of values) transport.broker.append('t', partition, [{ key: null, value: Buffer.from(value), headers: [] }]);
  };
  const client = connect(transport, { clock, log });
  const read = (options = {}) => {
    const seen: string[] = [];
    const errors: unknown[] = [];
    const subscription = client
      .consume(topic('t', numbers.codec()), options)
      .subscribe({ next: ({ value }) => seen.push(value), error: (error: unknown) => errors.push(error) });
    return { seen, errors, subscription };
  };
  return { clock, transport, numbers, client, append, read, warnings };
}

describe('a client whose codecs have to be opened', () => {
  it('opens them once to produce, and closes them when it is closed', async () => {
    const { client, numbers, transport } = await world();
    const target = topic('t', numbers.codec(), { key: text() });
    await Promise.all([client.produce(target, [{ key: 'k', value: '1:a' }]), client.produce(target, [{ key: 'k', value: '1:b' }])]);
    const values = [0, 1]
      .flatMap((partition) => transport.broker.records('t', partition))
      .map(({ value }) => Buffer.from(value ?? []).toString());
    expect(values).toEqual(['\u0001a', '\u0001b']);
    expect(numbers.log).toEqual(['opened t value out']);
    await client.close();
    expect(numbers.log).toEqual(['opened t value out', 'closed t value out']);
  });

  it('tries again to open them while it has time, and anew with the next call', async () => {
    const { client, clock } = await world();
    let failures = 4;
    const codec = {
      ...text(),
      open: () => (
        (failures -= 1), failures >= 0 ? Promise.reject(new TransportError('transport_unavailable', 'away')) : Promise.resolve(text())
      ),
    };
    const target = topic('t', codec);
    const late = expect(client.produce(target, [{ value: 'a' }], { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'transport_unavailable',
    });
    await clock.advance(1_000);
    await late;
    const written = client.produce(target, [{ value: 'a' }]);
    await clock.advance(5_000);
    expect(await written).toHaveLength(1);
  });

  it('reads on behind a record when it can be read, with its partition paused; others go on', async () => {
    const { clock, numbers, append, read, warnings } = await world();
    append(0, '\u0001a', '\u0002b', '\u0001c');
    append(1, '\u0001x');
    numbers.down = 'the registry is away';
    const { seen, subscription } = read();
    await clock.advance(1_000);
    append(0, ...Array.from({ length: 5_000 }, () => '\u0001d'));
    append(1, '\u0001y');
    await clock.advance(5_000);
    expect([...seen].sort()).toEqual(['1:a', '1:x', '1:y']);
    expect(warnings).toEqual(['t/0 waits for what its codec needs to read a record: the registry is away']);
    numbers.down = undefined;
    teach(numbers, 2);
    await clock.advance(5_000);
    expect(seen.filter((one) => !/[xy]/.test(one)).slice(0, 4)).toEqual(['1:a', '2:b', '1:c', '1:d']);
    expect(seen).toHaveLength(5_005);
    subscription.unsubscribe();
    await clock.advance(100);
    expect(numbers.log.filter((one) => !one.startsWith('asked'))).toEqual(['opened t value in', 'closed t value in']);
  });

  it.each(['error', 'skip'] as const)('ends with, or leaves out, what can never be read: %s', async (undecodable) => {
    const { clock, numbers, append, read } = await world();
    append(0, '\u0001a', '\u0009b', '\u0001c');
    const { seen, errors } = read({ undecodable });
    await clock.advance(1_000);
    numbers.never.add(9);
    numbers.wake();
    await clock.advance(1_000);
    expect(seen).toEqual(undecodable === 'skip' ? ['1:a', '1:c'] : ['1:a']);
    expect(errors).toEqual(
      undecodable === 'skip'
        ? []
        : [expect.objectContaining({ code: 'decode_failed', message: 'record t/0@1: number 9 was never given out' })],
    );
  });

  it('leaves nothing behind when it is unsubscribed while it waits', async () => {
    const { clock, numbers, append, read } = await world();
    append(0, '\u0002b');
    const { seen, subscription } = read();
    await clock.advance(500);
    subscription.unsubscribe();
    teach(numbers, 2);
    await clock.advance(10_000);
    expect(seen).toEqual([]);
    expect(numbers.log.at(-1)).toBe('closed t value in');
  });
});
