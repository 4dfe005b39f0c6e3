import { isObject, type OptionNames, requireOptions } from '../../check-options.ts';
import { CodecError, OptionError } from '../../errors.ts';
import type { Codec, CodecUse, OpenCodec } from '../codec.ts';
import { frameBytes, framedId, framedIdOf, writeFrame } from '../internal/framing.ts';
import { KnownSchemas } from '../internal/known-schemas.ts';
import { lookedUp, outputSchema } from '../internal/output-schema.ts';
import {
  notOpen,
  type RegistryOptions,
  registryOptionNames,
  type ResolvedRegistryOptions,
  resolveRegistryOptions,
  writtenWith,
  wrongWay,
} from '../internal/registry-options.ts';
import { resolveReferences } from '../internal/resolve-references.ts';
import { subjectName } from '../internal/subject-name.ts';
import { json, type JsonOptions } from '../json.ts';
import type { SchemaRegistry, SchemaText } from '../schema-registry.ts';
import type { JsonSchemaObject } from './compile-json-schema.ts';
import { type JsonSchemaValue, jsonSchemaValue, registeredJsonSchema } from './json-schema-value.ts';

/** JSON that is checked by a JSON Schema; with bounds as `json` has them. */
export interface JsonSchemaOptions extends JsonOptions, RegistryOptions {
  /** What values must fit. @defaultValue with a registry, see {@link jsonSchema}; else it must be given */
  readonly schema?: JsonSchemaObject | undefined;
  /** Frames values as Confluent's clients do. @defaultValue none: plain JSON */
  readonly registry?: SchemaRegistry;
}

const names: OptionNames<JsonSchemaOptions> = {
  schema: true,
  registry: true,
  ...registryOptionNames,
  maxBytes: true,
  maxDepth: true,
  maxItems: true,
};

interface Resolved extends ResolvedRegistryOptions {
  readonly schema: JsonSchemaObject | undefined;
  readonly bounds: JsonOptions;
}

/**
 * JSON that a JSON Schema checks, in both directions: draft-06, draft-07 (where `$schema` does not say), 2019-09 and 2020-12, with formats. Nothing is filled in or converted.
 *
 * With a registry values are framed as Confluent's clients frame them, a zero and the id of the writer's schema before each, and the codec is opened for each of its uses. Inputs
 * must fit `schema`; without one the latest version of `subject` as it was when the codec was opened; without either the schema that each was written with. Outputs fit `schema`, which
 * is looked up, or registered if it may follow the subject's latest version; without one the latest version of the subject.
 *
 * A check ends after 80 ms. Holds what `json` holds, and the schemas of the last 1,000 ids.
 * @throws OptionError at the call for what is no schema.
 * @throws CodecError as `json` does; `decode_failed` for values without a frame and for ids that the registry does not know.
 * @throws RegistryError from `open`
 */
export function jsonSchema<T = unknown>(options: JsonSchemaOptions): Codec<T>;
export function jsonSchema(options: JsonSchemaOptions): Codec<unknown> {
  requireOptions('jsonSchema', options, names);
  const { registry, schema, subject, strategy, register, references = [], ...bounds } = options;
  if (schema !== undefined && !isObject(schema)) throw new OptionError('jsonSchema.schema must be a JSON Schema as an object');
  if (!registry) {
    if (!schema) throw new OptionError('jsonSchema needs a schema, or a registry to take it from');
    if (subject !== undefined || references.length > 0)
      throw new OptionError('jsonSchema.subject and references are of a registry: give jsonSchema.registry, too');
    return { ...json(jsonSchemaValue(schema, 'jsonSchema.schema'), bounds), name: 'json schema' };
  }
  const resolved: Resolved = {
    schema,
    bounds,
    ...resolveRegistryOptions('jsonSchema', { registry, schema, subject, strategy, register, references }),
  };
  json(undefined, bounds); // checks them
  if (schema && resolved.references.length === 0) jsonSchemaValue(schema, 'jsonSchema.schema');
  return {
    name: 'json schema',
    decode: notOpen('jsonSchema'),
    encode: notOpen('jsonSchema'),
    open: (use) => (use.direction === 'out' ? openOutput(resolved, use) : openInput(resolved, use)),
  };
}

async function openOutput(options: Resolved, use: CodecUse): Promise<OpenCodec<unknown>> {
  const { registry, schema, register, bounds } = options;
  const ask = { signal: use.signal };
  const own = schema && (await ownSchema(options, schema, use));
  const subject = subjectOf(options, use);
  const found = schema
    ? await outputSchema(registry, subject, textOf(options, schema), register, ask)
    : await registry.bySubject(subject, 'latest', ask);
  const codec = json(own ?? registeredJsonSchema(found, await resolveReferences(registry, found.references, ask)), bounds);
  return { name: 'json schema', decode: wrongWay, encode: (value) => framed(found.id, codec.encode(value)) };
}

function framed(id: number, plain: Uint8Array | null): Uint8Array | null {
  if (plain === null) return null;
  const bytes = Buffer.allocUnsafe(frameBytes + plain.length);
  writeFrame(bytes, id);
  bytes.set(plain, frameBytes);
  return bytes;
}

async function openInput(options: Resolved, use: CodecUse): Promise<OpenCodec<unknown>> {
  const { registry, subject, bounds } = options;
  const reader = await readerSchema(options, use);
  const read = reader && json(reader.schema, bounds);
  if (!reader) jsonSchemaValue({}, 'any value'); // loads what checks, or the first record would hold all others up for it
  const known = new KnownSchemas(registry, subject, use, (schema, references) => json(registeredJsonSchema(schema, references), bounds));
  return {
    name: 'json schema',
    decode: (bytes) => {
      if (bytes === null)
        throw new CodecError('unexpected_tombstone', 'expected JSON, got a null value; wrap the codec in nullable() to allow it');
      const id = framedId(bytes);
      const codec = read ?? known.get(id);
      try {
        return codec.decode(bytes.subarray(frameBytes));
      } catch (error) {
        throw error instanceof CodecError ? writtenWith(error, id, reader?.name) : error;
      }
    },
    encode: wrongWay,
    pending: (bytes) => {
      const id = bytes === null || read ? undefined : framedIdOf(bytes);
      return id === undefined ? undefined : known.pending(id);
    },
    trouble: () => known.trouble(),
    close: async () => {
      known.close();
      return Promise.resolve();
    },
  };
}

/** What values must fit, and how messages call it; undefined: what each was written with. */
async function readerSchema(
  options: Resolved,
  use: CodecUse,
): Promise<{ readonly schema: JsonSchemaValue<unknown>; readonly name: string } | undefined> {
  const { registry, schema, subject } = options;
  const ask = { signal: use.signal };
  if (schema) {
    const own = subjectOf(options, use);
    const found = await lookedUp(registry, own, textOf(options, schema), ask); // also shows that the registry is there
    return {
      schema: await ownSchema(options, schema, use),
      name: found ? `schema ${String(found.id)}` : `its own schema (which is no version of ${own})`,
    };
  }
  if (subject === undefined) return undefined;
  const found = await registry.bySubject(subject, 'latest', ask);
  const references = await resolveReferences(registry, found.references, ask);
  return {
    schema: registeredJsonSchema(found, references),
    name: `schema ${String(found.id)} (version ${String(found.version)} of ${subject})`,
  };
}

async function ownSchema(
  { registry, references }: Resolved,
  schema: JsonSchemaObject,
  { signal }: CodecUse,
): Promise<JsonSchemaValue<unknown>> {
  return jsonSchemaValue(schema, 'jsonSchema.schema', await resolveReferences(registry, references, { signal }));
}

function subjectOf({ subject, strategy, schema }: Resolved, use: CodecUse): string {
  const title = schema?.['title'];
  return subject ?? subjectName(strategy, use, typeof title === 'string' ? title : undefined);
}

const textOf = ({ references }: Resolved, schema: JsonSchemaObject): SchemaText => ({
  schema: JSON.stringify(schema),
  schemaType: 'JSON',
  references,
});
