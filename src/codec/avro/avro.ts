import { CodecError, messageOf, requireInteger } from '../../errors.ts';
import { type OptionNames, requireOptions } from '../../check-options.ts';
import type { Codec } from '../codec.ts';
import type { AvroSchema } from './avro-schema.ts';
import type { AvroValue } from './avro-value.ts';
import type { AvscType, Tap } from './avsc.ts';
import { allowItems } from './blocks.ts';
import { compileSchema } from './compile-schema.ts';
import { type Read, resolve } from './resolve.ts';

export interface AvroOptions {
  /** Most items in the arrays and maps of one record, those of all added up; at least 1. @defaultValue 250,000 */
  readonly maxItems?: number;
}

const names: OptionNames<AvroOptions> = { maxItems: true };

/**
 * Avro's binary form, without any frame: the schema is all there is to know. Values have the type of the schema where that is a literal: {@link AvroValue}.
 *
 * Exact where it could lose something: a long is a bigint, text must be UTF-8, an int has 32 bits, bytes behind the value are refused. Bounded: a block that claims more
 * items than `maxItems` is refused before any of them is made room for. Properties that the schema does not name are not written.
 * @throws OptionError at the call for what is no schema.
 * @throws CodecError `decode_failed`; `schema_violation` for a value that does not fit, with the path, never the value; `unexpected_tombstone`; `encode_failed`.
 */
export function avro<const S extends AvroSchema>(schema: S, options?: AvroOptions): Codec<AvroValue<S>>;
export function avro(schema: AvroSchema, options: AvroOptions = {}): Codec<unknown> {
  requireOptions('avro', options, names);
  const { maxItems = 250_000 } = options;
  requireInteger('avro.maxItems', maxItems, 1);
  const type = compileSchema(schema, 'the schema of avro()');
  const read = readerOf(type, type, maxItems);
  return {
    name: 'avro',
    decode: (bytes) => {
      if (bytes === null)
        throw new CodecError('unexpected_tombstone', 'expected Avro, got a null value; wrap the codec in nullable() to allow it');
      return read(bytes);
    },
    encode: (value) => encode(type, value),
  };
}

/** Reads all of some bytes. @throws CodecError @throws Unreadable where the schemas do not fit */
export function readerOf(writer: AvscType, reader: AvscType, maxItems: number): (bytes: Uint8Array) => unknown {
  const read: Read = writer === reader ? (tap) => reader._read(tap) : resolve(writer, reader);
  const resolver = {
    _readerType: reader,
    _read: (tap: Tap): unknown => {
      allowItems(maxItems);
      return read(tap);
    },
  };
  return (bytes) => {
    try {
      return reader.fromBuffer(bufferOf(bytes), resolver);
    } catch (error) {
      throw undecodable(error, bytes.length);
    }
  };
}

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** No cause: avsc's messages quote the payload. */
function undecodable(error: unknown, bytes: number): CodecError {
  const of = `in ${String(bytes)} bytes of Avro`;
  if (error instanceof CodecError) return new CodecError(error.code, `${error.message} (${of})`);
  if (error instanceof RangeError) return new CodecError('decode_failed', `expected a value that nests less deep, ${of}`);
  const told = messageOf(error);
  const why =
    told === 'truncated buffer'
      ? 'more bytes'
      : told === 'trailing data'
        ? 'nothing behind the value'
        : 'a value of the schema, got what is none';
  return new CodecError('decode_failed', `expected ${why}, ${of}`);
}

export function encode(type: AvscType, value: unknown): Uint8Array {
  try {
    return type.toBuffer(value);
  } catch (error) {
    if (error instanceof CodecError) throw error;
    if (error instanceof RangeError) throw new CodecError('encode_failed', 'expected a value that nests less deep');
    throw new CodecError('schema_violation', `expected a value of the schema, but it is none${misfit(type, value)}`);
  }
}

function misfit(type: AvscType, value: unknown): string {
  let found = '';
  try {
    type.isValid(value, {
      errorHook: (path, _, expected) => {
        found ||= ` at ${path.join('.') || 'its root'}: expected ${expected.branchName ?? 'a branch of its union'}`;
      },
    });
  } catch {
    return '';
  }
  return found;
}
