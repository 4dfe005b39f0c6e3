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
  /** What it is held against; undefined: others are held against it. */
  readonly against: Way | undefined;
  /** How many records. */
  readonly records: number;
  /** All records once; how many bytes those have. */
  readonly decode: () => void;
  readonly encode: () => void;
  readonly bytes: number;
}

interface Codings<T> {
  readonly name: string;
  readonly values: readonly T[];
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

function way<T>({ name, values, encode, decode }: Codings<T>, against?: Way): Way {
  const encoded = values.map((value) => Buffer.from(encode(value)));
  return {
    ...{ name, against, records: values.length },
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

/** Of one size alone, as many as there are of all. */
const only = <T>(values: readonly T[], isOf: (index: number) => boolean): T[] => {
  const found = values.filter((_, i) => isOf(i));
  return values.map((_, i) => found[i % found.length] as T);
};
const isSmallest = (i: number): boolean => i % 4 === 0 && i % 3 !== 0; // one line, no note
const isLargest = (i: number): boolean => i % 4 === 3 && i % 3 === 0; // four, and a note

export interface Ways {
  readonly all: readonly Way[];
  /** Which `decode` must not be much slower than bare avsc. */
  readonly judged: ReadonlySet<Way>;
}

/** The same records in every way. */
export async function ways(count: number): Promise<Ways> {
  const plain = orders(count);
  const exact = plain.map((one) => ({ ...one, id: BigInt(one.id), at: BigInt(one.at) }));
  const registry = memoryRegistry();
  const of = async (direction: CodecUse['direction']) => (await avro({ registry, schema }).open?.(useOf(direction))) as OpenCodec<unknown>;
  const [writer, reader] = [await of('out'), await of('in')];
  await reader.pending?.(writer.encode(exact[0])); // fetches the writer's schema
  const bare = avsc.Type.forSchema(schema as never);
  const ofCodec = <T>(name: string, codec: Codec<T>, values: readonly T[]): Codings<T> => ({
    ...{ name, values, encode: (value) => codec.encode(value) as Uint8Array, decode: (bytes) => codec.decode(bytes) },
  });
  const ofAvsc = {
    ...{ name: 'bare avsc', values: plain, encode: (value: Plain) => bare.toBuffer(value) },
    decode: (bytes: Uint8Array) => bare.fromBuffer(bytes as Buffer) as unknown,
  };
  const framed = {
    ...{ name: 'avro({ registry, schema }), framed', values: exact, encode: (value: unknown) => writer.encode(value) as Uint8Array },
    decode: (bytes: Uint8Array) => {
      void reader.pending?.(bytes); // as the runtime asks before each
      return reader.decode(bytes);
    },
  };
  const bareJson = way({
    ...{ name: 'bare JSON', values: plain, encode: (value: Plain) => Buffer.from(JSON.stringify(value)) },
    decode: (bytes) => JSON.parse((bytes as Buffer).toString()) as unknown,
  });
  const bareAvsc = way(ofAvsc);
  const sized = ([size, isOf]: readonly [string, (i: number) => boolean]): readonly [Way, Way] => {
    const base = way({ ...ofAvsc, name: `bare avsc, ${size}`, values: only(plain, isOf) });
    return [base, way({ ...framed, name: `framed, ${size}`, values: only(exact, isOf) }, base)];
  };
  const inFrames = way(framed, bareAvsc);
  const [small, large] = [sized(['the smallest records', isSmallest]), sized(['the largest records', isLargest])];
  return {
    all: [
      ...[bareJson, way(ofCodec('json()', json(), plain), bareJson), way(ofCodec('json(schema), of zod', json(Order), plain), bareJson)],
      ...[bareAvsc, way(ofCodec('avro(schema)', avro(schema) as Codec<unknown>, exact), bareAvsc), inFrames, ...small, ...large],
    ],
    judged: new Set([inFrames, small[1], large[1]]),
  };
}
