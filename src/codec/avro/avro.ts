import { CodecError, OptionError } from '../../errors.ts';
import { isObject, type OptionNames, requireOptions } from '../../check-options.ts';
import type { Codec } from '../codec.ts';
import { avroBounds, type AvroOptions } from './avro-bounds.ts';
import type { AvroSchema } from './avro-schema.ts';
import type { AvroInput, AvroValue } from './avro-value.ts';
import { compileSchema } from './compile-schema.ts';
import { encode, readerOf } from './read-write.ts';
import { type RegisteredAvroOptions, registeredAvro } from './registered-avro.ts';

export type { AvroOptions };

/** Of a schema that the compiler knows. It also encodes values that lack fields with defaults; what is inferred from it, as topics do, is what it decodes to. */
export type AvroCodec<S extends AvroSchema> = { encode(value: AvroInput<S>): Uint8Array | null } & Codec<AvroValue<S>>;

const names: OptionNames<AvroOptions> = { maxBytes: true, maxItems: true };

/**
 * Avro's binary form. Values have the type of the schema where that is a literal: {@link AvroValue}, and {@link AvroInput} of what is encoded.
 *
 * With a schema alone there is no frame: the schema is all there is to know. With a registry (`avro({ registry, … })`) values are framed as Confluent's clients frame them, a zero and
 * the id of the writer's schema before each, and the codec is opened for each of its uses:
 * - Inputs are read as `schema`; without one as the latest version of `subject` was when the codec was opened; without either as each record was written. Schemas of writers are fetched
 *   when records name them, once, and resolved by Avro's rules; records whose schema is not here yet wait, and those whose schema cannot be read as the reader's fail.
 * - Outputs are written with `schema`, which is looked up, or registered if it may follow the subject's latest version; without one with the latest version of the subject.
 *
 * Exact where it could lose something: a long is a bigint, text must be UTF-8, an int has 32 bits, bytes behind the value are refused. Bounded: a block that claims more
 * items than `maxItems` is refused before any of them is made room for, and so is a record of more than `maxBytes`, in both directions. Properties that the schema does not name are not written.
 * @throws OptionError at the call for what is no schema.
 * @throws CodecError `decode_failed` (also without a frame, and for an id that the registry does not know); `schema_violation` for a value that does not fit, with the path, never the
 * value, and for a writer's schema that cannot be read, with the ids of both; `unexpected_tombstone`; `encode_failed`.
 * @throws RegistryError from `open`
 */
export function avro<const S extends AvroSchema>(schema: S, options?: AvroOptions): AvroCodec<S>;
export function avro<const S extends AvroSchema>(options: RegisteredAvroOptions & { readonly schema: S }): AvroCodec<S>;
/** Of a schema that only the registry knows, the type of values is what the caller says. */
export function avro<T = unknown>(options: RegisteredAvroOptions & { readonly schema?: undefined }): Codec<T>;
export function avro(given: AvroSchema | RegisteredAvroOptions, options: AvroOptions = {}): Codec<unknown> {
  if (hasRegistry(given)) return registeredAvro(given);
  requireOptions('avro', options, names);
  const bounds = avroBounds(options);
  if (isForRegistry(given)) throw new OptionError('avro({ schema, … }) needs a registry; without one it is avro(schema)');
  const type = compileSchema(given, 'the schema of avro()');
  const read = readerOf(type, type, bounds);
  return {
    name: 'avro',
    decode: (bytes) => {
      if (bytes === null)
        throw new CodecError('unexpected_tombstone', 'expected Avro, got a null value; wrap the codec in nullable() to allow it');
      return read(bytes);
    },
    encode: (value) => encode(type, value, bounds),
  };
}

/** Options without their registry, which have no type as a schema has. */
const isForRegistry = (given: unknown): boolean =>
  isObject(given) &&
  !Object.hasOwn(given as object, 'type') &&
  (Object.hasOwn(given as object, 'schema') || Object.hasOwn(given as object, 'subject'));

const hasRegistry = (given: AvroSchema | RegisteredAvroOptions): given is RegisteredAvroOptions =>
  isObject(given) && Object.hasOwn(given as object, 'registry');
