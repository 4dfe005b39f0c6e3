import type { StandardSchemaV1 } from '@standard-schema/spec';
import { isObject } from '../../check-options.ts';
import { CodecError, messageOf, OptionError } from '../../errors.ts';
import type { ReferencedSchema } from '../internal/resolve-references.ts';
import type { RegisteredSchema } from '../schema-registry.ts';
import { compileJsonSchema, type JsonSchemaObject } from './compile-json-schema.ts';

/** A JSON Schema as a value that judges others, as schemas of zod, valibot and arktype do, and that models take for their answers. */
export interface JsonSchemaValue<T> extends StandardSchemaV1<T, T> {
  readonly '~standard': StandardSchemaV1.Props<T, T> & {
    /** The schema itself, whatever draft is asked for (StandardJSONSchemaV1). */
    readonly jsonSchema: { readonly input: () => JsonSchemaObject; readonly output: () => JsonSchemaObject };
  };
}

/** Changes nothing: neither defaults are filled in nor types converted. @throws OptionError for what is no schema */
export function jsonSchemaValue<T>(
  schema: JsonSchemaObject,
  name: string,
  references: readonly ReferencedSchema[] = [],
): JsonSchemaValue<T> {
  const find = compileJsonSchema(schema, name, references);
  const itself = (): JsonSchemaObject => schema;
  return {
    '~standard': {
      version: 1,
      vendor: 'millrace',
      validate: (value) => {
        const issues = find(value);
        return issues ? { issues } : { value: value as T };
      },
      jsonSchema: { input: itself, output: itself },
    },
  };
}

/** @throws CodecError `schema_violation` for a schema that is none, or of another kind */
export function registeredJsonSchema(schema: RegisteredSchema, references: readonly ReferencedSchema[]): JsonSchemaValue<unknown> {
  const name = `schema ${String(schema.id)} of the registry`;
  if (schema.schemaType !== 'JSON')
    throw new CodecError('schema_violation', `expected a JSON Schema, ${name} is of type ${schema.schemaType}`);
  try {
    return jsonSchemaValue(parsedJsonSchema(schema.schema), name, references);
  } catch (error) {
    throw new CodecError('schema_violation', `expected a JSON Schema: ${messageOf(error)}`);
  }
}

/** `true` is the schema of everything, `false` of nothing. */
function parsedJsonSchema(text: string): JsonSchemaObject {
  const schema = JSON.parse(text) as unknown;
  if (typeof schema === 'boolean') return schema ? {} : { not: {} };
  if (isObject(schema)) return schema as JsonSchemaObject;
  throw new OptionError('expected a JSON Schema as an object, or true or false');
}
