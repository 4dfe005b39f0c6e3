import { avro } from '../codec/avro/avro.ts';
import type { AvroSchema } from '../codec/avro/avro-schema.ts';
import { compileSchema } from '../codec/avro/compile-schema.ts';
import { parseExactJson } from '../codec/internal/exact-json.ts';
import { resolveReferences } from '../codec/internal/resolve-references.ts';
import { OptionError } from '../errors.ts';
import { topic } from '../pipeline.ts';
import { closeCodecs, openTopic } from '../runtime/open-codecs.ts';
import { type AvroForm, codecOf } from './avro-options.ts';
import type { CliContext } from './context.ts';

/** Reads the values of a topic. */
export interface AvroValues {
  /** What they are read as; undefined: each as it was written. */
  readonly schema: AvroSchema | undefined;
  /** Waits for a schema that is not here yet; after `close` perhaps for ever. @throws CodecError */
  decode(bytes: Uint8Array): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Opens the codec of a topic's values. Without a schema of its own `needsSchema` takes the latest of the topic's subject, as it is now.
 * @throws OptionError where no schema can be had; RegistryError
 */
export async function avroValues(
  form: AvroForm,
  name: string,
  needsSchema: boolean,
  { clock, log, signal }: Pick<CliContext, 'clock' | 'log' | 'signal'>,
): Promise<AvroValues> {
  const schema = form.schema ?? (needsSchema ? await latestSchema(form, name, signal) : undefined);
  const codec = schema === undefined ? writtenCodec(form) : codecOf(form, schema);
  const { topic: open, opened } = await openTopic(topic(name, codec), 'in', { clock, log, signal });
  const pending = (bytes: Uint8Array): Promise<void> | undefined => opened[0]?.codec.pending?.(bytes);
  return {
    schema,
    decode: async (bytes) => {
      for (let wait = pending(bytes); wait; wait = pending(bytes)) await wait;
      return open.value.decode(bytes);
    },
    close: () => closeCodecs(opened),
  };
}

function writtenCodec({ registry }: AvroForm) {
  if (registry !== undefined) return avro({ registry });
  throw new OptionError('--avro plain says nothing of its schema: name it with --schema FILE');
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
