import avsc from 'avsc';
import { z } from 'zod';
import { avro } from '../../../src/codec/avro/avro.ts';
import type { AvroSchema } from '../../../src/codec/avro/avro-schema.ts';
import { systemClock } from '../../../src/clock.ts';
import type { Codec, CodecUse, OpenCodec } from '../../../src/codec/codec.ts';
import { json } from '../../../src/codec/json.ts';
import { memoryRegistry } from '../../../src/codec/memory-registry.ts';

/** An order as shops write them: longs, text, a list of records, an optional field. */
const schema = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'at', type: 'long' },
    { name: 'customer', type: 'string' },
    { name: 'city', type: 'string' },
    { name: 'note', type: ['null', 'string'] },
    { name: 'paid', type: 'boolean' },
    { name: 'total', type: 'double' },
    {
      name: 'lines',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Line',
          fields: [
            { name: 'sku', type: 'string' },
            { name: 'count', type: 'int' },
            { name: 'price', type: 'double' },
          ],
        },
      },
    },
  ],
} as const satisfies AvroSchema;

const Order = z.object({
  id: z.number(),
  at: z.number(),
  customer: z.string(),
  city: z.string(),
  note: z.string().nullable(),
  paid: z.boolean(),
  total: z.number(),
  lines: z.array(z.object({ sku: z.string(), count: z.int(), price: z.number() })),
});
type Plain = z.infer<typeof Order>;

const orders = (count: number): Plain[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ id: 10_000_000 + i * 7_919, at: 1_795_342_530_000 + i * 1_003, customer: `customer-${String(i * 31)}`, city: 'Nürnberg' },
    ...{ note: i % 3 === 0 ? 'leave it at the door, please' : null, paid: i % 2 === 0, total: i * 1.25 },
    lines: Array.from({ length: 1 + (i % 4) }, (_l, l) => ({ sku: `sku-${String(i * 13 + l)}`, count: 1 + l, price: 9.99 + l })),
  }));

export interface Way {
  readonly name: string;
  /** All records once; how many bytes those have. */
  readonly decode: () => void;
  readonly encode: () => void;
  readonly bytes: number;
}

function way<T>(name: string, values: readonly T[], encode: (value: T) => Uint8Array, decode: (bytes: Uint8Array) => unknown): Way {
  const encoded = values.map((value) => Buffer.from(encode(value)));
  return {
    name,
    decode: () => {
      for (const bytes of encoded) decode(bytes);
    },
    encode: () => {
      for (const value of values) encode(value);
    },
    bytes: encoded.reduce((sum, { length }) => sum + length, 0),
  };
}

const useOf = (direction: CodecUse['direction']): CodecUse => ({
  ...{ topic: 'orders', part: 'value', direction, signal: new AbortController().signal },
  ...{ clock: systemClock, log: () => undefined },
});

/** The same records in every way; `avsc` and `JSON.parse` are what the others are held against. */
export async function ways(count: number): Promise<Readonly<Record<'JSON' | 'json' | 'judged' | 'avsc' | 'avro' | 'framed', Way>>> {
  const plain = orders(count);
  const exact = plain.map((one) => ({ ...one, id: BigInt(one.id), at: BigInt(one.at) }));
  const registry = memoryRegistry();
  const of = async (direction: CodecUse['direction']) => (await avro({ registry, schema }).open?.(useOf(direction))) as OpenCodec<unknown>;
  const [writer, reader] = [await of('out'), await of('in')];
  await reader.pending?.(writer.encode(exact[0])); // fetches the writer's schema
  const bare = avsc.Type.forSchema(schema as never);
  const ofCodec = <T>(name: string, codec: Codec<T>, values: readonly T[]): Way =>
    way(
      name,
      values,
      (value) => codec.encode(value) as Uint8Array,
      (bytes) => codec.decode(bytes),
    );
  return {
    JSON: way(
      'bare JSON',
      plain,
      (value) => Buffer.from(JSON.stringify(value)),
      (bytes) => JSON.parse((bytes as Buffer).toString()) as unknown,
    ),
    json: ofCodec('json()', json(), plain),
    judged: ofCodec('json(schema), of zod', json(Order), plain),
    avsc: way(
      'bare avsc',
      plain,
      (value) => bare.toBuffer(value),
      (bytes) => bare.fromBuffer(bytes as Buffer) as unknown,
    ),
    avro: ofCodec('avro(schema)', avro(schema) as Codec<unknown>, exact),
    framed: way(
      'avro({ registry, schema }), framed',
      exact,
      (value) => writer.encode(value) as Uint8Array,
      (bytes) => {
        void reader.pending?.(bytes); // as the runtime asks before each
        return reader.decode(bytes);
      },
    ),
  };
}
