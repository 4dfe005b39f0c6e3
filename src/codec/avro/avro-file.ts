import type { AvroSchema } from './avro-schema.ts';
import type { AvroInput, AvroValue } from './avro-value.ts';
import { compileSchema } from './compile-schema.ts';
import { type AvroFileOptions, resolveFileOptions } from './file-options.ts';
import { type AvroFileReading, FileReading } from './file-reader.ts';
import { FileWriter } from './file-writer.ts';

/** Files whose schema is each file's own. */
export interface AvroFileReader<T> {
  /** The values of a file, from its bytes: `createReadStream(path)`. Whoever leaves early ends the stream, too. Each call reads one file. */
  read(bytes: AsyncIterable<Uint8Array>): AvroFileReading<T>;
}

/** Files of one schema, in and out. */
export interface AvroFile<T, I = T> extends AvroFileReader<T> {
  /** The bytes of a file with these values, for `pipeline(…, createWriteStream(path))`. What was given before a value that does not fit is written before its error. Each call writes one file. */
  write(values: AsyncIterable<I> | Iterable<I>): AsyncGenerator<Uint8Array, void>;
}

/**
 * Avro object container files, as Apache's Avro for Java, Spark, fastavro and others write and read them: packed with deflate or zstandard, or not at all.
 *
 * A file names the schema of its values. With `schema` they are read as that one by Avro's rules, and written with it; without it they are read as they were written. Values are what {@link AvroValue} says.
 *
 * Both directions stream. Reading holds a chunk, a packed block and the same block unpacked, at most `maxBlockBytes` each: a block that becomes more is refused while it is unpacked. A header has at most 4 MiB and
 * 10,000 entries. Behind each block stands the file's sync marker: where it does not, where a block cannot be unpacked, or its values are none of the schema, the error names the byte at which the block begins;
 * with `onDamage` it is told there, and reading goes on behind the next marker. Values before the damage in its block have been given by then. Writing holds one block.
 * @throws OptionError at the call, also for what is no schema.
 * @throws CodecError while reading: `decode_failed` for what is no such file, or damaged; `schema_violation` for a file that cannot be read as `schema`. While writing: `schema_violation` for a value that does not
 * fit, with the path, never the value; `encode_failed`.
 * @see https://avro.apache.org/docs/1.12.0/specification/#object-container-files
 */
export function avroFile<const S extends AvroSchema>(
  options: AvroFileOptions & { readonly schema: S },
): AvroFile<AvroValue<S>, AvroInput<S>>;
/** Of a schema that only the file knows, the type of values is what the caller says. */
export function avroFile<T = unknown>(options?: AvroFileOptions & { readonly schema?: undefined }): AvroFileReader<T>;
export function avroFile(given: AvroFileOptions = {}): AvroFileReader<unknown> | AvroFile<unknown> {
  const { schema, newSync, onDamage, ...options } = resolveFileOptions(given);
  const type = schema === undefined ? undefined : compileSchema(schema, 'the schema of avroFile()');
  const read = (bytes: AsyncIterable<Uint8Array>): AvroFileReading<unknown> =>
    new FileReading(bytes, { ...options, reader: type, onDamage });
  if (schema === undefined || type === undefined) return { read };
  const { codec, metadata } = options;
  return {
    read,
    write: (values) => new FileWriter({ ...options, type, header: { schema, codec, metadata, sync: newSync() } }).bytesOf(values),
  };
}
