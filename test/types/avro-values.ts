// What avro() decodes and encodes, by the compiler; compiled, never run. What it does at run time: test/codec/avro/avro-value.test.ts.
import { expectTypeOf } from 'vitest';
import type { AvroRecord, AvroSchema } from '../../src/codec/avro/avro-schema.ts';
import { avroFile } from '../../src/codec/avro/avro-file.ts';
import type { AvroInput, AvroValue } from '../../src/codec/avro/avro-value.ts';
import { avro } from '../../src/codec/avro/avro.ts';
import type { SchemaRegistry } from '../../src/codec/schema-registry.ts';
import { topic } from '../../src/pipeline.ts';
import type { nested } from './avro-schema.ts';

type Of<S> = AvroValue<S>;
interface Decimal<P extends number, S extends number> {
  readonly type: 'bytes';
  readonly logicalType: 'decimal';
  readonly precision: P;
  readonly scale: S;
}
interface Fixed<Size extends number, L extends string> {
  readonly type: 'fixed';
  readonly name: 'F';
  readonly size: Size;
  readonly logicalType: L;
}
interface When {
  readonly type: 'long';
  readonly logicalType: 'timestamp-millis';
}
interface Day {
  readonly type: 'int';
  readonly logicalType: 'date';
}

// logical types, and those that are none
expectTypeOf<Of<Decimal<4, 2>>>().toEqualTypeOf<string>();
expectTypeOf<Of<Decimal<10, 9>>>().toEqualTypeOf<string>();
expectTypeOf<Of<Decimal<9, 10>>>().toEqualTypeOf<Uint8Array>();
expectTypeOf<Of<Decimal<19, 20>>>().toEqualTypeOf<Uint8Array>();
expectTypeOf<Of<Decimal<0, 0>>>().toEqualTypeOf<Uint8Array>();
expectTypeOf<Of<Decimal<4, -1>>>().toEqualTypeOf<Uint8Array>();
expectTypeOf<Of<Fixed<2, 'decimal'> & { readonly precision: 4 }>>().toEqualTypeOf<string>();
expectTypeOf<Of<Fixed<2, 'decimal'> & { readonly precision: 5 }>>().toEqualTypeOf<Uint8Array>();
expectTypeOf<Of<Fixed<16, 'uuid'>>>().toEqualTypeOf<string>();
expectTypeOf<Of<Fixed<15, 'uuid'>>>().toEqualTypeOf<Uint8Array>();
expectTypeOf<Of<Fixed<13, 'duration'>>>().toEqualTypeOf<Uint8Array>();
expectTypeOf<Of<{ readonly type: 'string'; readonly logicalType: 'date' }>>().toEqualTypeOf<string>();

// unions of logical types
expectTypeOf<Of<readonly ['null', When]>>().toEqualTypeOf<Date | null>();
expectTypeOf<Of<readonly [When, 'string']>>().toEqualTypeOf<Date | string>();
expectTypeOf<Of<readonly [Day, 'string']>>().toEqualTypeOf<{ readonly int: string } | { readonly string: string }>();
expectTypeOf<Of<readonly [Day, 'double']>>().toEqualTypeOf<string | number>();
expectTypeOf<Of<readonly [Decimal<4, 2>, 'string']>>().toEqualTypeOf<{ readonly bytes: string } | { readonly string: string }>();

// names in namespaces
type Nested = Of<typeof nested>;
expectTypeOf<Nested['one']>().toEqualTypeOf<{ readonly 'a.b.F': Uint8Array } | { readonly bytes: Uint8Array }>();
expectTypeOf<keyof Extract<Nested['two'], { readonly 'c.In': unknown }>>().toEqualTypeOf<'c.In'>();
expectTypeOf<Extract<Nested['two'], { readonly 'c.In': unknown }>['c.In']['x']>().toEqualTypeOf<'A' | null>();
expectTypeOf<Extract<Nested['two'], { readonly 'a.b.R': unknown }>['a.b.R']['four']>().toEqualTypeOf<Uint8Array>();
expectTypeOf<Nested['three']>().toEqualTypeOf<{ readonly 'c.E': 'A' } | { readonly string: string } | null>();

// defaults
const withDefault = {
  type: 'record',
  name: 'D',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'tags', type: { type: 'array', items: 'string' }, default: [] },
  ],
} as const;
expectTypeOf<Of<typeof withDefault>>().toEqualTypeOf<{ id: bigint; tags: string[] }>();
expectTypeOf<AvroInput<typeof withDefault>>().toEqualTypeOf<{ id: bigint; tags?: readonly string[] | undefined }>();
const codec = avro(withDefault);
export const written = codec.encode({ id: 1n });
// @ts-expect-error -- what has no default must be there
export const lacking = codec.encode({ tags: [] });
expectTypeOf(codec.decode).returns.toEqualTypeOf<{ id: bigint; tags: string[] }>();
export const input = topic('d', codec);
expectTypeOf<typeof input extends { readonly value: { decode(bytes: null): infer T } } ? T : never>().toEqualTypeOf<{
  id: bigint;
  tags: string[];
}>();

// what is widened is not known
expectTypeOf<Of<{ type: 'record'; name: string; fields: { name: string; type: 'int' }[] }>>().toEqualTypeOf<unknown>();
expectTypeOf<Of<{ type: 'record'; name: string; fields: readonly [{ name: string; type: 'int' }] }>>().toEqualTypeOf<unknown>();
expectTypeOf<Of<('int' | 'double')[]>>().toEqualTypeOf<unknown>();
expectTypeOf<Of<{ type: string }>>().toEqualTypeOf<unknown>();

// a schema that is known at run time only
declare const some: AvroSchema;
declare const registry: SchemaRegistry;
expectTypeOf<Of<AvroSchema>>().toEqualTypeOf<unknown>();
expectTypeOf<Of<AvroRecord>>().toEqualTypeOf<unknown>();
expectTypeOf(avro(some).decode).returns.toEqualTypeOf<unknown>();
expectTypeOf(avro({ registry, schema: some }).decode).returns.toEqualTypeOf<unknown>();
expectTypeOf<Of<{ readonly type: 'array'; readonly items: AvroSchema }>>().toEqualTypeOf<unknown[]>();
expectTypeOf<
  Of<{
    readonly type: 'record';
    readonly name: 'R';
    readonly fields: readonly [{ name: 'a'; type: AvroSchema }, { name: 'b'; type: 'int' }];
  }>
>().toEqualTypeOf<{
  a: unknown;
  b: number;
}>();
expectTypeOf(topic('t', avro({ registry, schema: some })).value.decode).returns.toEqualTypeOf<unknown>();
expectTypeOf(avroFile({ schema: some }).read).returns.toExtend<AsyncIterable<unknown>>();
