import { isObject, type OptionNames, requireOptions } from '../../check-options.ts';
import { CodecError, messageOf, OptionError } from '../../errors.ts';
import type { Codec, CodecUse, OpenCodec } from '../codec.ts';
import { exactJson, parseExactJson } from '../internal/exact-json.ts';
import { frameBytes, framedId, framedIdOf } from '../internal/framing.ts';
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
import { type ReferencedSchema, resolveReferences } from '../internal/resolve-references.ts';
import { subjectName } from '../internal/subject-name.ts';
import type { RegisteredSchema, SchemaReference, SchemaRegistry, SchemaText } from '../schema-registry.ts';
import { type AvroBounds, avroBounds, type AvroOptions } from './avro-bounds.ts';
import type { AvroSchema } from './avro-schema.ts';
import type { AvscType } from './avsc.ts';
import { compileSchema, compileWriter } from './compile-schema.ts';
import { encodeFramed, readerOf } from './read-write.ts';
import { Unreadable } from './resolve.ts';
import { isSameType } from './same-type.ts';

/** Avro whose schemas are in a registry. */
export interface RegisteredAvroOptions extends AvroOptions, RegistryOptions {
  /** Shared by all codecs that are given the same one: {@link registry}, {@link memoryRegistry}. */
  readonly registry: SchemaRegistry;
  /** What records are read as, and written with. @defaultValue see {@link avro} */
  readonly schema?: AvroSchema | undefined;
}

const names: OptionNames<RegisteredAvroOptions> = { registry: true, schema: true, ...registryOptionNames, maxBytes: true, maxItems: true };

interface Resolved extends ResolvedRegistryOptions, AvroBounds {
  readonly schema: AvroSchema | undefined;
}

/** The form of avro() that has a registry: a codec to be opened. @throws OptionError */
export function registeredAvro(given: RegisteredAvroOptions): Codec<unknown> {
  requireOptions('avro', given, names);
  const { schema } = given;
  const options: Resolved = { schema, ...avroBounds(given), ...resolveRegistryOptions('avro', given) };
  // what refers to others is compiled when those are there
  if (schema !== undefined && options.references.length === 0) compileSchema(schema, 'avro.schema');
  return { name: 'avro', decode: notOpen('avro'), encode: notOpen('avro'), open: (use) => openRegistered(options, use) };
}

const openRegistered = (options: Resolved, use: CodecUse): Promise<OpenCodec<unknown>> =>
  use.direction === 'out' ? openOutput(options, use) : openInput(options, use);

async function openOutput(options: Resolved, use: CodecUse): Promise<OpenCodec<unknown>> {
  const { registry, schema, register, references } = options;
  const ask = { signal: use.signal };
  const own = schema === undefined ? undefined : await ownType(options, use);
  const subject = subjectOf(options, use, own);
  const found =
    own === undefined
      ? await registry.bySubject(subject, 'latest', ask)
      : await outputSchema(registry, subject, textOf(schema, references), register, ask);
  const type = own ?? typeOf(found, await resolveReferences(registry, found.references, ask));
  const { id } = found;
  return { name: 'avro', decode: wrongWay, encode: (value) => encodeFramed(type, id, value, options) };
}

async function openInput(options: Resolved, use: CodecUse): Promise<OpenCodec<unknown>> {
  const { registry } = options;
  const reader = await readerType(options, use);
  const known = new KnownSchemas(registry, options.subject, use, (schema, references) => {
    const writer = typeOf(schema, references, compileWriter);
    if (!reader) return readerOf(writer, writer, options, frameBytes);
    if (isSameType(writer, reader.type)) {
      reader.name = `schema ${String(schema.id)}`; // it may have been registered since
      return readerOf(reader.type, reader.type, options, frameBytes);
    }
    try {
      return readerOf(writer, reader.type, options, frameBytes);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      throw new CodecError(
        'schema_violation',
        `schema ${String(schema.id)}, of the writer, cannot be read as ${reader.name}, of the reader: ${error.message}`,
      );
    }
  });
  return {
    name: 'avro',
    decode: (bytes) => {
      if (bytes === null)
        throw new CodecError('unexpected_tombstone', 'expected Avro, got a null value; wrap the codec in nullable() to allow it');
      const id = framedId(bytes);
      const read = known.get(id);
      try {
        return read(bytes);
      } catch (error) {
        throw error instanceof CodecError ? writtenWith(error, id, reader?.name) : error;
      }
    },
    encode: wrongWay,
    pending: (bytes) => {
      const id = bytes === null ? undefined : framedIdOf(bytes);
      return id === undefined ? undefined : known.pending(id);
    },
    trouble: () => known.trouble(),
    close: async () => {
      known.close();
      return Promise.resolve();
    },
  };
}

interface Reader {
  readonly type: AvscType;
  /** For messages. */
  name: string;
}

/** What records are read as; undefined: as they were written. */
async function readerType(options: Resolved, use: CodecUse): Promise<Reader | undefined> {
  const { registry, schema, subject, references } = options;
  const ask = { signal: use.signal };
  if (schema === undefined) {
    if (subject === undefined) return undefined;
    const found = await registry.bySubject(subject, 'latest', ask);
    const type = typeOf(found, await resolveReferences(registry, found.references, ask));
    return { type, name: `schema ${String(found.id)} (version ${String(found.version)} of ${subject})` };
  }
  const type = await ownType(options, use);
  const own = subjectOf(options, use, type);
  const found = await lookedUp(registry, own, textOf(schema, references), ask); // also shows that the registry is there
  return { type, name: found ? `schema ${String(found.id)}` : `its own schema (which is no version of ${own})` };
}

async function ownType({ registry, schema, references }: Resolved, { signal }: CodecUse): Promise<AvscType> {
  const known = await resolveReferences(registry, references, { signal });
  return compileSchema(schema as AvroSchema, 'avro.schema', known.map(parsed));
}

const subjectOf = ({ subject, strategy }: Resolved, use: CodecUse, type: AvscType | undefined): string =>
  subject ?? subjectName(strategy, use, type?.name);

const textOf = (schema: AvroSchema | undefined, references: readonly SchemaReference[]): SchemaText => ({
  schema: exactJson(schema),
  references,
});

/** @throws CodecError `schema_violation` for a schema that is none, or of another kind */
function typeOf(schema: RegisteredSchema, references: readonly ReferencedSchema[], compile = compileSchema): AvscType {
  const name = `schema ${String(schema.id)} of the registry`;
  if (schema.schemaType !== 'AVRO')
    throw new CodecError('schema_violation', `expected an Avro schema, ${name} is of type ${schema.schemaType}`);
  try {
    return compile(parsed(schema), name, references.map(parsed));
  } catch (error) {
    throw new CodecError('schema_violation', `expected an Avro schema: ${messageOf(error)}`);
  }
}

function parsed({ schema }: { readonly schema: string }): AvroSchema {
  const value = parseExactJson(schema);
  if (typeof value === 'string' || isObject(value) || Array.isArray(value)) return value as AvroSchema;
  throw new OptionError(`expected an Avro schema as JSON, got ${typeof value}`);
}
