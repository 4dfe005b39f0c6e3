import type { AvroSchema } from './avro-schema.ts';
import type { BranchName, Definitions, Found, InnerSpace } from './avro-names.ts';
import type { DecimalFits } from './decimal-fits.ts';

/** Amounts of time that do not add up: a month has no fixed number of days. Each from 0 to 2^32 - 1. */
export interface AvroDuration {
  readonly months: number;
  readonly days: number;
  readonly milliseconds: number;
}

interface Primitives {
  readonly null: null;
  readonly boolean: boolean;
  readonly int: number;
  readonly long: bigint;
  readonly float: number;
  readonly double: number;
  readonly bytes: Uint8Array;
  readonly string: string;
}

/** By logical type, and by what it stands on. */
interface Logical {
  readonly decimal: { readonly bytes: string; readonly fixed: string };
  readonly 'big-decimal': { readonly bytes: string };
  readonly uuid: { readonly string: string; readonly fixed: string };
  readonly date: { readonly int: string };
  readonly 'time-millis': { readonly int: number };
  readonly 'time-micros': { readonly long: bigint };
  readonly 'timestamp-millis': { readonly long: Date };
  readonly 'timestamp-micros': { readonly long: bigint };
  readonly 'timestamp-nanos': { readonly long: bigint };
  readonly 'local-timestamp-millis': { readonly long: string };
  readonly 'local-timestamp-micros': { readonly long: bigint };
  readonly 'local-timestamp-nanos': { readonly long: bigint };
  readonly duration: { readonly fixed: AvroDuration };
}

/** Given: what is decoded, where all fields are there. Taken: what is encoded, where fields with defaults may be left out. */
type Way = 'given' | 'taken';

/** The value of a logical type; never where it is none that is known, or does not fit what it stands on: then it is passed over. */
type OfLogical<S> = S extends { readonly logicalType: infer L extends keyof Logical; readonly type: infer Base extends string }
  ? Base extends keyof Logical[L]
    ? Fits<S, L> extends true
      ? Logical[L][Base]
      : never
    : never
  : never;

type Fits<S, L> = L extends 'decimal'
  ? DecimalFits<S>
  : S extends { readonly type: 'fixed'; readonly size: infer Size extends number }
    ? number extends Size
      ? true
      : Size extends (L extends 'uuid' ? 16 : 12)
        ? true
        : false
    : true;

interface Kinds {
  readonly null: 'null';
  readonly boolean: 'boolean';
  readonly int: 'number';
  readonly float: 'number';
  readonly double: 'number';
  readonly long: 'bigint';
  readonly string: 'string';
  readonly enum: 'string';
  readonly bytes: 'bytes';
  readonly fixed: 'bytes';
  readonly array: 'array';
  readonly map: 'object';
  readonly record: 'object';
  readonly error: 'object';
}

type KindOfLogical<V> = V extends string
  ? 'string'
  : V extends number
    ? 'number'
    : V extends bigint
      ? 'bigint'
      : V extends Date
        ? 'date'
        : 'object';

/** What tells branches apart in JavaScript; two of one kind need their names. Never: not known here. */
type Kind<S, Defs, Space extends string> = S extends keyof Primitives
  ? Kinds[S]
  : S extends string
    ? Found<S, Defs, Space> extends { readonly schema: infer Named }
      ? Kind<Named, Defs, Space>
      : never
    : [OfLogical<S>] extends [never]
      ? S extends { readonly type: infer Type }
        ? Type extends keyof Kinds
          ? Kinds[Type]
          : Kind<Type, Defs, Space>
        : never
      : KindOfLogical<OfLogical<S>>;

type IsAmbiguous<Branches, Defs, Space extends string, Seen = never> = Branches extends readonly [infer First, ...infer Rest]
  ? [Kind<First, Defs, Space>] extends [never]
    ? IsAmbiguous<Rest, Defs, Space, Seen>
    : Kind<First, Defs, Space> extends Seen
      ? true
      : IsAmbiguous<Rest, Defs, Space, Seen | Kind<First, Defs, Space>>
  : false;

type Union<Branches extends readonly unknown[], Defs, Space extends string, W extends Way> = number extends Branches['length']
  ? unknown
  : IsAmbiguous<Branches, Defs, Space> extends true
    ? { [I in keyof Branches]: Branch<Branches[I], Defs, Space, W> }[number]
    : Value<Branches[number], Defs, Space, W>;

type Branch<S, Defs, Space extends string, W extends Way> = S extends 'null' | { readonly type: 'null' }
  ? null
  : { readonly [K in BranchName<S, Space>]: Value<S, Defs, Space, W> };

interface Field {
  readonly name: string;
  readonly type: unknown;
}

/** One that is widened, and so says little, is unknown: `as const` keeps it. */
type OfFields<Fields extends readonly Field[], Defs, Space extends string, W extends Way> = number extends Fields['length']
  ? unknown
  : string extends Fields[number]['name']
    ? unknown
    : W extends 'given'
      ? { [F in Fields[number] as F['name']]: Value<F['type'], Defs, Space, W> }
      : Whole<
          { [F in Fields[number] as F extends { readonly default: unknown } ? never : F['name']]: Value<F['type'], Defs, Space, W> } & {
            [F in Fields[number] as F extends { readonly default: unknown } ? F['name'] : never]?:
              | Value<F['type'], Defs, Space, W>
              | undefined;
          }
        >;

type Whole<T> = { [K in keyof T]: T[K] };

type OfType<S, Defs, Space extends string, W extends Way> = S extends {
  readonly type: 'record' | 'error';
  readonly fields: infer Fields extends readonly Field[];
}
  ? OfFields<Fields, Defs, InnerSpace<S, Space>, W>
  : S extends { readonly type: 'enum'; readonly symbols: readonly (infer Symbols)[] }
    ? Symbols
    : S extends { readonly type: 'fixed' }
      ? Uint8Array
      : S extends { readonly type: 'array'; readonly items: infer Items }
        ? W extends 'given'
          ? Value<Items, Defs, Space, W>[]
          : readonly Value<Items, Defs, Space, W>[]
        : S extends { readonly type: 'map'; readonly values: infer Values }
          ? Record<string, Value<Values, Defs, Space, W>>
          : S extends { readonly type: infer Inner }
            ? Value<Inner, Defs, Space, W>
            : unknown;

type OfName<Name extends string, Defs, Space extends string, W extends Way> = string extends Name
  ? unknown
  : Found<Name, Defs, Space> extends { readonly schema: infer S; readonly space: infer Own extends string }
    ? Value<S, Defs, Own, W>
    : unknown;

/** Of a schema that is not known to the compiler: unknown, also within one that is. */
type Value<S, Defs, Space extends string, W extends Way> = [AvroSchema] extends [S] ? unknown : Known<S, Defs, Space, W>;

type Known<S, Defs, Space extends string, W extends Way> = S extends readonly unknown[]
  ? Union<S, Defs, Space, W>
  : S extends keyof Primitives
    ? Primitives[S]
    : S extends string
      ? OfName<S, Defs, Space, W>
      : [OfLogical<S>] extends [never]
        ? OfType<S, Defs, Space, W>
        : OfLogical<S>;

/**
 * The JavaScript value of an Avro schema that is given as a literal; `unknown` where it is not known to the compiler.
 *
 * | Avro | JavaScript |
 * |---|---|
 * | int, float, double | number |
 * | long | bigint |
 * | bytes, fixed | Uint8Array |
 * | string, enum | string; the symbols |
 * | array, map, record | Array, object, object |
 * | union | the branch's value; `{ name: value }`, by full name, where two branches have the same kind of value in JavaScript |
 * | decimal | text, as `'-12.30'`: all digits of its scale |
 * | big-decimal | text with as many digits behind the point as it was written with |
 * | uuid | text |
 * | date | text, as `'2026-11-22'` |
 * | time-millis, time-micros | number, bigint: since midnight |
 * | timestamp-millis | Date |
 * | timestamp-micros, timestamp-nanos | bigint: since 1970 |
 * | local-timestamp-millis | text, as `'2026-11-22T10:15:30.000'` |
 * | local-timestamp-micros, local-timestamp-nanos | bigint: since 1970, of a clock on the wall |
 * | duration | `{ months, days, milliseconds }` |
 */
export type AvroValue<S> = Value<S, Definitions<S, ''>, '', 'given'>;

/** What is encoded by such a schema: the same, but fields that have a default may be left out, and lists may be read-only. */
export type AvroInput<S> = Value<S, Definitions<S, ''>, '', 'taken'>;
