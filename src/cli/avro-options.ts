import { readFile } from 'node:fs/promises';
import { avro } from '../codec/avro/avro.ts';
import type { AvroSchema } from '../codec/avro/avro-schema.ts';
import type { Codec } from '../codec/codec.ts';
import { parseExactJson } from '../codec/internal/exact-json.ts';
import { registry } from '../codec/registry/registry.ts';
import type { SchemaRegistry } from '../codec/schema-registry.ts';
import type { GivenOptions } from '../command.ts';
import { messageOf, OptionError } from '../errors.ts';

/** The options of commands that read or write Avro. */
export const avroOptions = {
  avro: {
    kind: 'text',
    value: 'form',
    choices: ['registry', 'plain'],
    summary: 'values are Avro: with the id of their schema in the registry, or plain, with nothing before them',
  },
  schema: { kind: 'text', value: 'file', summary: 'of --avro: an Avro schema as JSON (.avsc)' },
  keyAvro: { kind: 'text', value: 'form', choices: ['registry', 'plain'], summary: 'keys are Avro, in one of these forms' },
  keySchema: { kind: 'text', value: 'file', summary: 'of --key-avro: an Avro schema as JSON (.avsc)' },
  registry: {
    kind: 'text',
    value: 'url',
    summary: 'where the schema registry is, several with commas between (default: MILLRACE_SCHEMA_REGISTRY_URL)',
  },
} as const;

/** How values, or keys, stand in a topic. */
export type AvroForm =
  | { readonly form: 'plain'; readonly registry: undefined; readonly schema: AvroSchema | undefined }
  | { readonly form: 'registry'; readonly registry: SchemaRegistry; readonly schema: AvroSchema | undefined };

/** Undefined: they are no Avro. */
export interface AvroForms {
  readonly values: AvroForm | undefined;
  readonly keys: AvroForm | undefined;
}

export type GivenAvro = GivenOptions<typeof avroOptions>;

/**
 * What the options say.
 * @throws OptionError also for a schema file that is no JSON
 */
export async function avroForms({ avro: form, schema, keyAvro, keySchema, registry: url }: GivenAvro): Promise<AvroForms> {
  if (form === undefined && schema !== undefined) throw new OptionError('--schema is of Avro: say --avro registry or --avro plain, too');
  if (keyAvro === undefined && keySchema !== undefined)
    throw new OptionError('--key-schema is of Avro: say --key-avro registry or --key-avro plain, too');
  const isAsked = form === 'registry' || keyAvro === 'registry';
  if (url !== undefined && !isAsked) throw new OptionError('--registry is of Avro: say --avro registry or --key-avro registry, too');
  const schemas = isAsked ? registry(url === undefined ? {} : { url: url.split(',') }) : undefined; // one for both, with its caches
  const formed = async (way: string | undefined, path: string | undefined): Promise<AvroForm | undefined> => {
    if (way === undefined) return undefined;
    const read = path === undefined ? undefined : await readSchema(path);
    return way === 'registry' && schemas !== undefined
      ? { form: 'registry', registry: schemas, schema: read }
      : { form: 'plain', registry: undefined, schema: read };
  };
  return { values: await formed(form, schema), keys: await formed(keyAvro, keySchema) };
}

/** The codec of values of this schema. */
export const codecOf = ({ registry: schemas }: AvroForm, schema: AvroSchema): Codec<unknown> =>
  schemas === undefined ? avro(schema) : avro({ registry: schemas, schema });

/** @throws OptionError for what cannot be read, or is no JSON; whether it is a schema shows where it is used */
export async function readSchema(path: string): Promise<AvroSchema> {
  try {
    return parseExactJson(await readFile(path, 'utf8')) as AvroSchema;
  } catch (error) {
    throw new OptionError(`${path} cannot be read as JSON: ${messageOf(error)}`, { cause: error });
  }
}
