// What `millrace types` writes is what the compiler infers from the schema; compiled, never run.
import { expectTypeOf } from 'vitest';
import type { AvroInput, AvroValue } from '../../src/codec/avro/avro-value.ts';
import type { orderSchema } from './avro-schema.ts';
import type { Order, OrderInput, Part, State } from './avro-types.d.ts';

type Inferred = AvroValue<typeof orderSchema>;
expectTypeOf<Order>().toEqualTypeOf<Inferred>();
expectTypeOf<State>().toEqualTypeOf<Inferred['state']>();
expectTypeOf<Part>().toEqualTypeOf<Inferred['part']>();
expectTypeOf<OrderInput>().toEqualTypeOf<AvroInput<typeof orderSchema>>();
