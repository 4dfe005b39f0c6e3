import { isObject } from '../../check-options.ts';
import { CodecError, messageOf, OptionError } from '../../errors.ts';
import { canonicalJson } from '../internal/canonical-json.ts';
import type { ReferencedSchema } from '../internal/resolve-references.ts';
import { type ErrorObject, makeAjv, type Options, type ValidateFunction } from './ajv.ts';
import { TookTooLong, withinTime } from './time-limit.ts';
import { asWatched, WatchMe, watchedPattern } from './watched-pattern.ts';

/** A JSON Schema, of draft-06, draft-07 (where `$schema` does not say), 2019-09 or 2020-12. */
export type JsonSchemaObject = Readonly<Record<string, unknown>>;

/** Where a value does not fit, in the order in which it was found; undefined: it fits. @throws CodecError `schema_violation` where that cannot be said in time */
export type FindMisfits = (value: unknown) => readonly Misfit[] | undefined;

export interface Misfit {
  readonly path: readonly string[];
  /** In the validator's words; holds nothing of the value. */
  readonly message: string;
}

const longestSchema = 1024 * 1024; // characters
const mostCheckMs = 80;

/**
 * Makes code of a schema. What records can make of it is bounded: a check ends after 80 ms where it may take long (a pattern that backtracks, alternatives within a schema that refers to
 * itself), and items are compared by their text. Nothing is fetched: what it refers to is in it, or in `references`.
 * @throws OptionError for what is no schema
 */
export function compileJsonSchema(schema: JsonSchemaObject, name: string, references: readonly ReferencedSchema[] = []): FindMisfits {
  const text = JSON.stringify(schema);
  if (text.length > longestSchema) throw new OptionError(`${name} is longer than ${String(longestSchema)} characters`);
  const validate = compiled(schema, name, references);
  const mayExplode = /"\$(?:ref|dynamicRef|recursiveRef)"/.test(text) && /"(?:anyOf|oneOf|allOf|if|not|unevaluated\w+)"/.test(text);
  return (value) => {
    try {
      return mayExplode ? watched(validate, value) : misfits(validate, value);
    } catch (error) {
      if (error instanceof WatchMe) return watched(validate, value);
      throw error;
    }
  };
}

function compiled(schema: JsonSchemaObject, name: string, references: readonly ReferencedSchema[]): ValidateFunction {
  try {
    const ajv = makeAjv(schema['$schema'], options);
    ajv.removeKeyword('uniqueItems'); // compares all with all
    ajv.addKeyword({
      keyword: 'uniqueItems',
      type: 'array',
      schemaType: 'boolean',
      validate: areUnique,
      error: { message: 'must have no equal items' },
    });
    for (const one of references) ajv.addSchema(JSON.parse(one.schema) as JsonSchemaObject, one.name);
    return ajv.compile(schema);
  } catch (error) {
    throw new OptionError(`${name} is no JSON Schema that is read here: ${messageOf(error)}`);
  }
}

const regExp = Object.assign((pattern: string) => watchedPattern(pattern), { code: 'watchedPattern' });
const options: Options = {
  strict: false, // what it does not know is for others
  ownProperties: true,
  logger: false,
  validateFormats: true,
  code: { regExp },
};

function areUnique(isAsked: boolean, items: readonly unknown[]): boolean {
  if (!isAsked) return true;
  const seen = new Set(items.map((item) => canonicalJson(JSON.stringify(item))));
  return seen.size === items.length;
}

function watched(validate: ValidateFunction, value: unknown): readonly Misfit[] | undefined {
  try {
    return asWatched(() => withinTime(mostCheckMs, () => misfits(validate, value))); // the end of time runs no `finally` within
  } catch (error) {
    if (!(error instanceof TookTooLong)) throw error;
    throw new CodecError(
      'schema_violation',
      `expected JSON that can be checked within ${String(mostCheckMs)} ms, which a pattern or a choice of the schema does not allow`,
    );
  }
}

function misfits(validate: ValidateFunction, value: unknown): readonly Misfit[] | undefined {
  if (validate(value)) return undefined;
  return (validate.errors ?? []).map(misfitOf);
}

function misfitOf({ instancePath, message = 'does not fit', params }: ErrorObject): Misfit {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const missing: unknown = isObject(params) ? (params as { readonly missingProperty?: unknown }).missingProperty : undefined;
  return { path: typeof missing === 'string' ? [...path, missing] : path, message };
}
