import type { AvroPrimitive, AvroSchema } from './avro-schema.ts';

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

/** All named types that a schema defines, at any depth. */
type Definitions<S> = S extends readonly (infer Branch)[]
  ? Definitions<Branch>
  : S extends { readonly type: 'record' | 'error'; readonly fields: readonly { readonly type: infer Field }[] }
    ? S | Definitions<Field>
    : S extends { readonly type: 'enum' | 'fixed' }
      ? S
      : S extends { readonly type: 'array'; readonly items: infer Items }
        ? Definitions<Items>
        : S extends { readonly type: 'map'; readonly values: infer Values }
          ? Definitions<Values>
          : S extends { readonly type: infer Inner extends object }
            ? Definitions<Inner>
            : never;

/** `a.b.C` is C. Namespaces are not followed: a reference to a simple name that two types have is the union of their values. */
type Simple<Name extends string> = Name extends `${string}.${infer Rest}` ? Simple<Rest> : Name;

type ByName<Name extends string, Defined> = Defined extends { readonly name: infer Own extends string }
  ? Simple<Own> extends Simple<Name>
    ? Defined
    : never
  : never;

type OfName<Name extends string, Defined> = [ByName<Name, Defined>] extends [never] ? unknown : Value<ByName<Name, Defined>, Defined>;

/** The field's key in a wrapped union. */
type BranchName<S> = S extends string
  ? S
  : S extends { readonly name: infer Name extends string; readonly namespace: infer Space extends string }
    ? Name extends `${string}.${string}`
      ? Name
      : `${Space}.${Name}`
    : S extends { readonly name: infer Name extends string }
      ? Name
      : S extends { readonly type: infer Type extends string }
        ? Type
        : never;

/** What tells branches apart in JavaScript; two of one kind need their names. */
type Kind<S> = S extends { readonly logicalType: keyof Logical }
  ? never
  : S extends { readonly type: infer Type extends string }
    ? KindOf<Type>
    : S extends string
      ? KindOf<S>
      : never;
type KindOf<Type extends string> = Type extends 'int' | 'float' | 'double'
  ? 'number'
  : Type extends 'string' | 'enum'
    ? 'string'
    : Type extends 'bytes' | 'fixed'
      ? 'bytes'
      : Type extends AvroPrimitive | 'array'
        ? Type
        : 'object';

type IsAmbiguous<Branches, Seen = never> = Branches extends readonly [infer First, ...infer Rest]
  ? [Kind<First>] extends [never]
    ? IsAmbiguous<Rest, Seen>
    : Kind<First> extends Seen
      ? true
      : IsAmbiguous<Rest, Seen | Kind<First>>
  : false;

type Union<Branches extends readonly unknown[], Defined> =
  IsAmbiguous<Branches> extends true
    ? {
        [I in keyof Branches]: Branches[I] extends 'null' ? null : { readonly [K in BranchName<Branches[I]>]: Value<Branches[I], Defined> };
      }[number]
    : Value<Branches[number], Defined>;

type OfLogical<S, Defined> = S extends { readonly logicalType: infer L extends keyof Logical; readonly type: infer Base extends string }
  ? Base extends keyof Logical[L]
    ? Logical[L][Base]
    : OfType<S, Defined>
  : OfType<S, Defined>;

type OfType<S, Defined> = S extends { readonly type: 'record' | 'error'; readonly fields: infer Fields extends readonly unknown[] }
  ? {
      [F in Fields[number] as F extends { readonly name: infer Name extends string } ? Name : never]: F extends {
        readonly type: infer Type;
      }
        ? Value<Type, Defined>
        : never;
    }
  : S extends { readonly type: 'enum'; readonly symbols: readonly (infer Symbols)[] }
    ? Symbols
    : S extends { readonly type: 'fixed' }
      ? Uint8Array
      : S extends { readonly type: 'array'; readonly items: infer Items }
        ? Value<Items, Defined>[]
        : S extends { readonly type: 'map'; readonly values: infer Values }
          ? Record<string, Value<Values, Defined>>
          : S extends { readonly type: infer Inner }
            ? Value<Inner, Defined>
            : unknown;

type Value<S, Defined> = S extends readonly unknown[]
  ? Union<S, Defined>
  : S extends keyof Primitives
    ? Primitives[S]
    : S extends string
      ? string extends S
        ? unknown
        : OfName<S, Defined>
      : OfLogical<S, Defined>;

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
 * | union | the branch's value; `{ name: value }` where two branches have the same kind of value |
 * | decimal | text, as `'-12.30'`: all digits of its scale |
 * | uuid | text |
 * | date | text, as `'2026-11-22'` |
 * | time-millis, time-micros | number, bigint: since midnight |
 * | timestamp-millis | Date |
 * | timestamp-micros, timestamp-nanos | bigint: since 1970 |
 * | local-timestamp-millis | text, as `'2026-11-22T10:15:30.000'` |
 * | local-timestamp-micros, local-timestamp-nanos | bigint: since 1970, of a clock on the wall |
 * | duration | `{ months, days, milliseconds }` |
 */
export type AvroValue<S> = AvroSchema extends S ? unknown : Value<S, Definitions<S>>;
