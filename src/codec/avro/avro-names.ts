import type { AvroSchema } from './avro-schema.ts';

/** `B` in the namespace `a` is `a.B`; what has a dot has its namespace. */
type FullName<Name extends string, Space extends string> = Name extends `.${infer Rest}`
  ? Rest
  : Name extends `${string}.${string}`
    ? Name
    : Space extends ''
      ? Name
      : `${Space}.${Name}`;

/** `a.b` of `a.b.C`. */
type SpaceOf<Full extends string> = Full extends `${infer Head}.${infer Rest}`
  ? Rest extends `${string}.${string}`
    ? `${Head}.${SpaceOf<Rest>}`
    : Head
  : '';

type OwnName<S, Space extends string> = S extends { readonly name: infer Name extends string }
  ? FullName<Name, S extends { readonly namespace: infer Own extends string } ? Own : Space>
  : never;

/** The namespace of what stands in a record. */
export type InnerSpace<S, Space extends string> = S extends { readonly namespace: infer Own extends string }
  ? Own
  : S extends { readonly name: infer Name extends `${string}.${string}` }
    ? SpaceOf<Name>
    : Space;

/** A named type where it is defined, and the namespace that it stands in. */
interface Defined<Full, S, Space> {
  readonly full: Full;
  readonly schema: S;
  readonly space: Space;
}

/** All named types that a schema defines, at any depth; of one that is not known to the compiler none, or it would look for ever. */
export type Definitions<S, Space extends string> = [AvroSchema] extends [S] ? never : DefinedIn<S, Space>;

type DefinedIn<S, Space extends string> = S extends readonly (infer Branch)[]
  ? Definitions<Branch, Space>
  : S extends { readonly type: 'record' | 'error'; readonly fields: readonly { readonly type: infer Field }[] }
    ? Defined<OwnName<S, Space>, S, Space> | Definitions<Field, InnerSpace<S, Space>>
    : S extends { readonly type: 'enum' | 'fixed' }
      ? Defined<OwnName<S, Space>, S, Space>
      : S extends { readonly type: 'array'; readonly items: infer Items }
        ? Definitions<Items, Space>
        : S extends { readonly type: 'map'; readonly values: infer Values }
          ? Definitions<Values, Space>
          : S extends { readonly type: infer Inner extends object }
            ? Definitions<Inner, Space>
            : never;

/** What a name means in a namespace. */
export type Found<Name extends string, Defs, Space extends string> = Extract<Defs, { readonly full: FullName<Name, Space> }>;

/** The key of a branch in a wrapped union. */
export type BranchName<S, Space extends string> = S extends 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'
  ? S
  : S extends string
    ? FullName<S, Space>
    : S extends { readonly name: string; readonly type: string }
      ? OwnName<S, Space>
      : S extends { readonly type: infer Type }
        ? Type extends 'array' | 'map'
          ? Type
          : BranchName<Type, Space>
        : never;
