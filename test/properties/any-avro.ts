import fc from 'fast-check';
import type { AvroSchema } from '../../src/codec/avro/avro-schema.ts';

/** A schema, and a value of it. */
export interface SchemaAndValue {
  readonly schema: AvroSchema;
  readonly value: unknown;
}

type Values = fc.Arbitrary<unknown>;
interface Shape {
  readonly schema: AvroSchema;
  readonly values: Values;
}

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const text = fc.string({ unit: 'binary' });
const key = text.filter((one) => one !== '__proto__');
const bytes = fc.uint8Array({ maxLength: 20 }).map((one) => Buffer.from(one));
const dateMs = fc.integer({ min: -8.64e12, max: 8.64e12 });
const yearMs = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }); // of years with four digits
const unsigned = fc.nat({ max: 2 ** 32 - 1 });
const decimal = fc.bigInt({ min: -99_999n, max: 99_999n }).map((unscaled) => {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(3, '0');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
});

const leaves: readonly Shape[] = [
  { schema: 'null', values: fc.constant(null) },
  { schema: 'boolean', values: fc.boolean() },
  { schema: 'int', values: fc.integer() },
  { schema: 'long', values: long },
  { schema: 'float', values: fc.float() },
  { schema: 'double', values: fc.double() },
  { schema: 'string', values: text },
  { schema: 'bytes', values: bytes },
  { schema: { type: 'long', logicalType: 'timestamp-millis' }, values: dateMs.map((ms) => new Date(ms)) },
  { schema: { type: 'long', logicalType: 'timestamp-micros' }, values: long },
  { schema: { type: 'bytes', logicalType: 'decimal', precision: 5, scale: 2 }, values: decimal },
  { schema: { type: 'bytes', logicalType: 'big-decimal' }, values: decimal },
  { schema: { type: 'string', logicalType: 'uuid' }, values: fc.uuid() },
  { schema: { type: 'long', logicalType: 'timestamp-nanos' }, values: long },
  { schema: { type: 'long', logicalType: 'local-timestamp-micros' }, values: long },
  { schema: { type: 'long', logicalType: 'local-timestamp-nanos' }, values: long },
  { schema: { type: 'long', logicalType: 'local-timestamp-millis' }, values: yearMs.map((ms) => new Date(ms).toISOString().slice(0, -1)) },
  { schema: { type: 'int', logicalType: 'date' }, values: yearMs.map((ms) => new Date(ms).toISOString().slice(0, 10)) },
  { schema: { type: 'int', logicalType: 'time-millis' }, values: fc.integer({ min: 0, max: 86_399_999 }) },
  { schema: { type: 'long', logicalType: 'time-micros' }, values: fc.bigInt({ min: 0n, max: 86_399_999_999n }) },
];

/** Names are numbered: each may be defined once in a schema. */
let names = 0;
const fresh = (): string => `N${String((names += 1))}`;

/** Logical types that stand on a fixed type, which has a name. */
const logicalFixed: fc.Arbitrary<Shape> = fc.constantFrom('decimal', 'uuid', 'duration').map((logicalType): Shape => {
  const of = { type: 'fixed', name: fresh(), logicalType } as const;
  if (logicalType === 'uuid') return { schema: { ...of, size: 16 }, values: fc.uuid() };
  if (logicalType === 'decimal') return { schema: { ...of, size: 9, precision: 5, scale: 2 }, values: decimal };
  return {
    schema: { ...of, size: 12 },
    values: fc.record({ months: unsigned, days: unsigned, milliseconds: unsigned }, { noNullPrototype: true }),
  };
});

function shapeOf(depth: number): fc.Arbitrary<Shape> {
  const leaf = fc.oneof(
    fc.constantFrom(...leaves),
    fc
      .uniqueArray(fc.constantFrom('A', 'B', 'C_1', 'd'), { minLength: 1 })
      .map((symbols): Shape => ({ schema: { type: 'enum', name: fresh(), symbols }, values: fc.constantFrom(...symbols) })),
    fc.integer({ min: 0, max: 9 }).map(
      (size): Shape => ({
        schema: { type: 'fixed', name: fresh(), size },
        values: fc.uint8Array({ minLength: size, maxLength: size }).map((one) => Buffer.from(one)),
      }),
    ),
  );
  if (depth === 0) return fc.oneof({ weight: 6, arbitrary: leaf }, { weight: 1, arbitrary: logicalFixed });
  const inner = shapeOf(depth - 1);
  const nested = fc.oneof(
    inner.map(({ schema, values }): Shape => ({ schema: { type: 'array', items: schema }, values: fc.array(values, { maxLength: 4 }) })),
    inner.map(
      ({ schema, values }): Shape => ({
        schema: { type: 'map', values: schema },
        values: fc.dictionary(key, values, { maxKeys: 4, noNullPrototype: true }),
      }),
    ),
    fc.uniqueArray(fc.constantFrom('a', 'b', 'constructor', 'toString', 'length'), { maxLength: 4 }).chain((fields) =>
      fc.tuple(...fields.map(() => inner)).map(
        (shapes): Shape => ({
          schema: { type: 'record', name: fresh(), fields: fields.map((name, i) => ({ name, type: shapes[i]?.schema ?? 'null' })) },
          values: fc.record(Object.fromEntries(fields.map((name, i) => [name, shapes[i]?.values ?? fc.constant(null)])), {
            noNullPrototype: true,
          }),
        }),
      ),
    ),
    inner
      .filter(({ schema }) => schema !== 'null' && !Array.isArray(schema))
      .map(({ schema, values }): Shape => ({ schema: ['null', schema], values: fc.oneof(fc.constant(null), values) })),
  );
  return fc.oneof({ weight: 1, arbitrary: leaf }, { weight: 3, arbitrary: nested });
}

export const schemaAndValue: fc.Arbitrary<SchemaAndValue> = shapeOf(3).chain(({ schema, values }) =>
  values.map((value) => ({ schema, value })),
);
