import { readFile } from 'node:fs/promises';
import { avro } from '../codec/avro/avro.ts';
import type { AvroSchema } from '../codec/avro/avro-schema.ts';
import type { Codec } from '../codec/codec.ts';
import { parseExactJson } from '../codec/internal/exact-json.ts';
import { registry } from '../codec/registry/registry.ts';
import type { SchemaRegistry } from '../codec/schema-registry.ts';
import { messageOf, OptionError } from '../errors.ts';

/** The options of commands that read or write Avro. */
export const avroOptions = {
  avro: {
    kind: 'text',
    value: 'form',
    choices: ['registry', 'plain'],
    summary:
      'values are Avro: with the id of their schema in the registry of MILLRACE_SCHEMA_REGISTRY_URL, or plain, with nothing before them',
  },
  schema: { kind: 'text', value: 'file', summary: 'of --avro: an Avro schema as JSON (.avsc)' },
} as const;

/** How values stand in a topic. */
export type AvroForm =
  | { readonly form: 'plain'; readonly registry: undefined; readonly schema: AvroSchema | undefined }
  | { readonly form: 'registry'; readonly registry: SchemaRegistry; readonly schema: AvroSchema | undefined };

/**
 * What the options say; undefined: values are no Avro.
 * @throws OptionError also for a schema file that is no JSON
 */
export async function avroForm(given: {
  readonly avro: string | undefined;
  readonly schema: string | undefined;
}): Promise<AvroForm | undefined> {
  if (given.avro === undefined) {
    if (given.schema !== undefined) throw new OptionError('--schema is of Avro: say --avro registry or --avro plain, too');
    return undefined;
  }
  const schema = given.schema === undefined ? undefined : await readSchema(given.schema);
  return given.avro === 'registry' ? { form: 'registry', registry: registry(), schema } : { form: 'plain', registry: undefined, schema };
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
