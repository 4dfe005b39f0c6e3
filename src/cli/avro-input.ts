import { avroFile } from '../codec/avro/avro-file.ts';
import type { AvroSchema } from '../codec/avro/avro-schema.ts';
import type { AvroFileReading } from '../codec/avro/file-reader.ts';
import { compileSchema } from '../codec/avro/compile-schema.ts';
import type { Codec } from '../codec/codec.ts';
import { CodecError, messageOf, OptionError } from '../errors.ts';
import { topic } from '../pipeline.ts';
import { closeCodecs, openTopic } from '../runtime/open-codecs.ts';
import { type AvroForm, codecOf } from './avro-options.ts';
import type { CliContext } from './context.ts';
import type { RawRecord, RecordBatch } from '../runtime/json-record.ts';

export interface AvroInput {
  /** For messages: the file's name. */
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Where the values go: the subject of their schema is called by it. */
  readonly topic: string;
  readonly form: AvroForm;
  /** The field of the values that is the key; undefined: none is, or what `keyForm` says. */
  readonly keyField: string | undefined;
  /** Keys are Avro: of its schema, or else of the field's own. Without a field a key has those of each value that the schema names. */
  readonly keyForm: AvroForm | undefined;
}

const mostRecords = 1_000;
const mostBytes = 1024 * 1024;

/**
 * The values of an Avro file as records, in batches of up to 1,000 or 1 MiB. They are written with `--schema`, or with the file's own, which is
 * registered first where there is a registry. Interrupted, it ends where it is.
 * @throws CodecError for damage, with the block's place, when all values before it have been given
 */
export async function* avroRecords(input: AvroInput, context: Pick<CliContext, 'clock' | 'log' | 'signal'>): AsyncGenerator<RecordBatch> {
  const { name, form } = input;
  const { schema } = form;
  const reading: AvroFileReading<unknown> = (schema === undefined ? avroFile() : avroFile({ schema })).read(input.bytes);
  let records: RawRecord[] = [];
  const counts = { given: 0, bytes: 0, written: 0 };
  const batch = (): RecordBatch => {
    const made = { records, bytes: counts.bytes };
    counts.written += records.length;
    [records, counts.bytes] = [[], 0];
    return made;
  };
  let encode: Encoder | undefined;
  try {
    encode = await encoderOf(input, schema ?? (await reading.header()).schema, context);
    for await (const value of reading) {
      counts.given += 1;
      const record = { key: encode.key(value, counts.given), value: encode.value(value), headers: [] };
      records.push(record);
      counts.bytes += (record.value?.length ?? 0) + (record.key?.length ?? 0);
      if (records.length >= mostRecords || counts.bytes >= mostBytes) yield batch();
    }
    if (records.length > 0) yield batch();
  } catch (error) {
    if (records.length > 0) yield batch();
    if (context.signal.aborted) return; // the file seems to end where its reading was ended
    throw told(error, `${name}: ${messageOf(error)}; ${String(counts.written)} records were written before it`);
  } finally {
    await encode?.close();
  }
}

const told = (error: unknown, text: string): unknown => {
  if (error instanceof CodecError) return new CodecError(error.code, text, { cause: error });
  return error instanceof OptionError ? new OptionError(text, { cause: error }) : error;
};

interface Encoder {
  value(value: unknown): Uint8Array | null;
  /** Of the `nth` value. */
  key(value: unknown, nth: number): Uint8Array | null;
  close(): Promise<void>;
}

async function encoderOf(
  { topic: name, form, keyForm, keyField }: AvroInput,
  schema: AvroSchema,
  { clock, log, signal }: Pick<CliContext, 'clock' | 'log' | 'signal'>,
): Promise<Encoder> {
  const values = codecOf(form, schema);
  const written = keyForm ? topic(name, values, { key: codecOf(keyForm, keySchemaOf(keyForm, keyField, schema)) }) : topic(name, values);
  const { topic: open, opened } = await openTopic<unknown, unknown>(written, 'out', { clock, log, signal });
  const keyOf = (value: unknown, nth: number): unknown => (keyField === undefined ? value : fieldOf(value, keyField, nth));
  return {
    value: (value) => open.value.encode(value),
    key: (value, nth) => {
      if (keyForm === undefined) return keyField === undefined ? null : plainKey(keyOf(value, nth), keyField, nth);
      const key = keyOf(value, nth);
      return key === null ? null : encodedKey(open.key, key, nth);
    },
    close: () => closeCodecs(opened),
  };
}

/** @throws OptionError where there is none */
function keySchemaOf({ schema }: AvroForm, keyField: string | undefined, values: AvroSchema): AvroSchema {
  if (schema !== undefined) return schema;
  if (keyField === undefined)
    throw new OptionError(
      '--key-avro does not say what the keys are: name a field of the values (--key-field), or a schema (--key-schema)',
    );
  const type = compileSchema(values, 'the schema of the values').fields?.find(({ name }) => name === keyField)?.type;
  if (!type) throw new OptionError(`the schema of the values has no field ${JSON.stringify(keyField)} (--key-field)`);
  const branches = type.types?.filter(({ typeName }) => typeName !== 'null') ?? []; // null is no key at all
  return (type.isPlain === true && branches.length === 1 ? branches[0] : type)?.toJSON() as AvroSchema;
}

function encodedKey(codec: Codec<unknown>, key: unknown, nth: number): Uint8Array | null {
  try {
    return codec.encode(key);
  } catch (error) {
    if (error instanceof CodecError)
      throw new CodecError(error.code, `the key of value ${String(nth)}: ${messageOf(error)}`, { cause: error });
    throw error;
  }
}

/** @throws OptionError, which does not show the value */
function fieldOf(value: unknown, field: string, nth: number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field))
    throw new OptionError(`value ${String(nth)} has no field ${JSON.stringify(field)} (--key-field)`);
  return Reflect.get(value, field);
}

/** @throws OptionError, which does not show the value */
function plainKey(key: unknown, field: string, nth: number): Uint8Array | null {
  if (key === null) return null;
  if (key instanceof Uint8Array) return key;
  if (typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint') return Buffer.from(String(key));
  throw new OptionError(
    `value ${String(nth)} has a field ${JSON.stringify(field)} that is no key: expected text, a number, bytes or null (--key-field), or say --key-avro`,
  );
}
