import { avro } from '../codec/avro/avro.ts';
import type { AvroSchema } from '../codec/avro/avro-schema.ts';
import { bytes as bytesCodec } from '../codec/bytes.ts';
import type { Codec } from '../codec/codec.ts';
import { compileSchema } from '../codec/avro/compile-schema.ts';
import { parseExactJson } from '../codec/internal/exact-json.ts';
import { resolveReferences } from '../codec/internal/resolve-references.ts';
import { OptionError } from '../errors.ts';
import { topic } from '../pipeline.ts';
import { closeCodecs, openTopic } from '../runtime/open-codecs.ts';
import { avroText } from './avro-text.ts';
import { type AvroForm, type AvroForms, codecOf } from './avro-options.ts';
import type { CliContext } from './context.ts';

/** Reads the values, or keys, of a topic. */
export interface AvroValues {
  /** What they are read as; undefined: each as it was written. */
  readonly schema: AvroSchema | undefined;
  /** Waits for a schema that is not here yet. @throws CodecError; the signal's reason */
  decode(bytes: Uint8Array): Promise<unknown>;
  close(): Promise<void>;
}

/** Undefined: they are no Avro. */
export interface AvroReaders {
  readonly values: AvroValues | undefined;
  readonly keys: AvroValues | undefined;
}

/** What people are shown of these bytes, as bytes. @throws CodecError */
export const shownBytes = async (avro: AvroValues | undefined, bytes: Uint8Array | null): Promise<Uint8Array | null> =>
  avro === undefined || bytes === null ? bytes : Buffer.from(avroText(await avro.decode(bytes)));

/**
 * Opens the codec of a topic's values, or keys. Without a schema of its own `needsSchema` takes the latest of the topic's subject, as it is now.
 * @throws OptionError where no schema can be had; RegistryError
 */
async function avroValues(
  form: AvroForm,
  name: string,
  { part = 'value', needsSchema = false }: { readonly part?: 'key' | 'value'; readonly needsSchema?: boolean },
  { clock, log, signal }: Pick<CliContext, 'clock' | 'log' | 'signal'>,
): Promise<AvroValues> {
  const schema = form.schema ?? (needsSchema ? await latestSchema(form, name, signal) : undefined);
  const codec = schema === undefined ? writtenCodec(form, part) : codecOf(form, schema);
  const read = part === 'key' ? topic(name, bytesCodec(), { key: codec }) : topic(name, codec);
  const { topic: open, opened } = await openTopic<unknown, unknown>(read, 'in', { clock, log, signal });
  const pending = (bytes: Uint8Array): Promise<void> | undefined => opened[0]?.codec.pending?.(bytes);
  return {
    schema,
    decode: async (bytes) => {
      for (let wait = pending(bytes); wait; wait = pending(bytes)) await unlessAborted(signal, wait);
      return open[part].decode(bytes);
    },
    close: () => closeCodecs(opened),
  };
}

/** The same for both. @throws OptionError; RegistryError */
export async function avroReaders(
  { values, keys }: AvroForms,
  name: string,
  context: Pick<CliContext, 'clock' | 'log' | 'signal'>,
  needsSchema = false,
): Promise<AvroReaders> {
  const opened = values && (await avroValues(values, name, { needsSchema }, context));
  try {
    return { values: opened, keys: keys && (await avroValues(keys, name, { part: 'key' }, context)) };
  } catch (error) {
    await opened?.close();
    throw error;
  }
}

function writtenCodec({ registry }: AvroForm, part: 'key' | 'value'): Codec<unknown> {
  if (registry !== undefined) return avro({ registry });
  throw new OptionError(
    part === 'key'
      ? '--key-avro plain says nothing of its schema: name it with --key-schema FILE'
      : '--avro plain says nothing of its schema: name it with --schema FILE',
  );
}

/** @throws the signal's reason, once it is aborted */
async function unlessAborted(signal: AbortSignal, wait: Promise<void>): Promise<void> {
  signal.throwIfAborted();
  let leave = (): void => undefined;
  const aborted = new Promise<void>((_, reject) => {
    leave = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    await Promise.race([wait, aborted]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

async function latestSchema({ registry }: AvroForm, name: string, signal: AbortSignal): Promise<AvroSchema | undefined> {
  if (registry === undefined) return undefined;
  const { schema, schemaType, references, subject, version } = await registry.bySubject(`${name}-value`, 'latest', { signal });
  const place = `version ${String(version)} of ${subject}`;
  if (schemaType !== 'AVRO')
    throw new OptionError(`${place} is a schema of type ${schemaType}, no Avro schema: name one with --schema FILE`);
  const known = await resolveReferences(registry, references, { signal });
  const own = parseExactJson(schema) as AvroSchema;
  if (known.length === 0) return own;
  const types = known.map((one) => parseExactJson(one.schema) as AvroSchema);
  return compileSchema(own, place, types).toJSON() as AvroSchema; // what it speaks of stands in it: a file has one schema
}
