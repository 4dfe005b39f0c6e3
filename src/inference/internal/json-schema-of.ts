import type { StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf, OptionError } from '../../errors.ts';
import type { JsonSchema } from '../model.ts';

const known = new WeakMap<StandardSchemaV1, JsonSchema | null>();

/**
 * The JSON Schema that an answer must obey to pass `schema`, or undefined where the library cannot give one
 * (StandardJSONSchemaV1). The answer is what goes *into* the schema, so it is its input side; what a model makes need
 * not use the freedom to add properties, so open objects are closed: grammars and strict modes want them closed.
 * @throws OptionError for a schema that asks for what JSON does not have: no answer could ever pass it.
 */
export function jsonSchemaOf(schema: StandardSchemaV1): JsonSchema | undefined {
  let found = known.get(schema);
  if (found === undefined) {
    found = convert(schema);
    known.set(schema, found); // conversion costs more than a validation; a schema is a constant
  }
  return found ?? undefined;
}

function convert(schema: StandardSchemaV1): JsonSchema | null {
  const standard: object = schema['~standard'];
  if (!('jsonSchema' in standard) || !isObject(standard.jsonSchema)) return null;
  const { input, output } = standard.jsonSchema;
  const side = input ?? output;
  if (typeof side !== 'function') return null;
  try {
    const made: unknown = Reflect.apply(side, standard.jsonSchema, [{ target: 'draft-2020-12' }]);
    return isObject(made) ? closed(made) : null;
  } catch (error) {
    throw new OptionError(
      `schema must be one of JSON values, but it has no JSON Schema (${messageOf(error)}): write what the answer is as text, such as z.iso.datetime() for a ` +
        'date or z.string() for a bigint, and transform it (z.iso.datetime().transform((text) => new Date(text))); or give its JSON Schema as jsonSchema',
    );
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

// Where the parts are schemas; allOf is left out, since a closed part forbids what its neighbour asks for.
const childLists = ['anyOf', 'oneOf', 'prefixItems'];
const childMaps = ['properties', '$defs', 'definitions'];

function closed(schema: JsonSchema): JsonSchema {
  const result: Record<string, unknown> = { ...schema };
  delete result['$schema'];
  for (const name of childMaps) {
    const map = schema[name];
    if (isObject(map))
      result[name] = Object.fromEntries(Object.entries(map).map(([key, child]) => [key, isObject(child) ? closed(child) : child]));
  }
  for (const name of childLists) {
    const list = schema[name];
    if (Array.isArray(list)) result[name] = list.map((child: unknown) => (isObject(child) ? closed(child) : child));
  }
  if (isObject(schema['items'])) result['items'] = closed(schema['items']);
  const open = isObject(schema['properties']) && schema['additionalProperties'] === undefined && schema['patternProperties'] === undefined;
  if (open && schema['allOf'] === undefined) result['additionalProperties'] = false;
  return result;
}
