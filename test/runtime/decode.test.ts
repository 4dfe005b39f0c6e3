import { expect, expectTypeOf, it } from 'vitest';
import { firstValueFrom, map } from 'rxjs';
import { z } from 'zod';
import { avro } from '../../src/codec/avro/avro.ts';
import { json } from '../../src/codec/json.ts';
import { text } from '../../src/codec/text.ts';
import { murmur2 } from '../../src/flow/partitioner.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { headerText } from '../../src/record/record.ts';
import { connect } from '../../src/runtime/connect.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const orderKey = json(z.object({ order: z.int() }));
const numberKey = avro({ type: 'record', name: 'Key', fields: [{ name: 'order', type: 'int' }] });

async function world() {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, partitions: 7 });
  await transport.createTopics(['in', 'out', 'dead'].map((name) => ({ name })));
  const input = topic('in', text(), { key: orderKey });
  const output = topic('out', text(), { key: numberKey });
  const pipeline = definePipeline({
    name: 'p',
    input,
    output,
    deadLetter: topic('dead'),
    process: (source) =>
      source.pipe(
        map((envelope) => {
          expectTypeOf(envelope.key).toEqualTypeOf<{ order: number }>();
          return envelope.with(envelope.value, { key: { order: envelope.key.order * 10 } });
        }),
      ),
  });
  const client = connect(transport, { clock, log: silentLog });
  const app = await start(pipeline, { transport, clock, log: silentLog, signals: false });
  const records = (name: string) =>
    Array.from({ length: 7 }, (_, partition) =>
      transport.broker.records(name, partition).map((record) => ({ partition, ...record })),
    ).flat();
  return { clock, transport, client, app, input, records };
}

it('keys are values of their codecs, in and out, and records go where every Kafka client would put their bytes', async () => {
  const { clock, client, input, records } = await world();
  const orders = Array.from({ length: 50 }, (_, order) => order);
  await client.produce(
    input,
    orders.map((order) => ({ key: { order }, value: `v${String(order)}` })),
  );
  await clock.advance(1_000);
  const placed = (key: Uint8Array | null): number => (murmur2(key ?? new Uint8Array()) & 0x7fffffff) % 7;
  expect(records('in').map(({ key }) => Buffer.from(key ?? []).toString())).toContain('{"order":7}');
  expect(
    records('out')
      .map(({ key }) => numberKey.decode(key).order)
      .sort((a, b) => a - b),
  ).toEqual(orders.map((order) => order * 10));
  for (const name of ['in', 'out']) for (const { key, partition } of records(name)) expect(partition).toBe(placed(key));
});

it.each([
  ['that is no key', Buffer.from('{"order":"x"}'), 'schema_violation', /: its key: expected JSON that fits the schema/],
  ['that is missing', null, 'unexpected_tombstone', /: its key: expected JSON, got a null value; wrap the codec in nullable/],
])('a record with a key %s is a dead letter with the bytes of its key and value', async (_, key, code, message) => {
  const { clock, transport, records } = await world();
  transport.broker.append('in', 3, [{ key, value: Buffer.from('v'), headers: [] }]);
  await clock.advance(1_000);
  const [letter] = records('dead');
  expect([letter?.key, letter?.value]).toEqual([key && new Uint8Array(key), new Uint8Array([118])]);
  expect(headerText(letter?.headers ?? [], 'millrace.error.code')).toBe(code);
  expect(headerText(letter?.headers ?? [], '__streams.errors.message')).toMatch(message);
});

it('whoever reads a topic is told that it is the key which is none', async () => {
  const transport = memory();
  await transport.createTopics([{ name: 'letters', partitions: 1 }]);
  transport.broker.append('letters', 0, [{ key: Uint8Array.of(255), value: Buffer.from('v'), headers: [] }]);
  const read = firstValueFrom(connect(transport, { log: silentLog }).consume(topic('letters')));
  await expect(read).rejects.toMatchObject({
    code: 'decode_failed',
    message: 'record letters/0@0: its key: expected UTF-8 text, got 1 bytes that are not',
  });
});
