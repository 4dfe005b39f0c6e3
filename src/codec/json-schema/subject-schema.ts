import { type OptionNames, requireMethods, requireOptions } from '../../check-options.ts';
import { requireInteger, requireText } from '../../errors.ts';
import type { Resource } from '../../resource.ts';
import { resolveReferences } from '../internal/resolve-references.ts';
import type { SchemaRegistry } from '../schema-registry.ts';
import { type JsonSchemaValue, registeredJsonSchema } from './json-schema-value.ts';

export interface SubjectSchemaOptions {
  readonly registry: SchemaRegistry;
  readonly subject: string;
  /** @defaultValue `latest`, as it is when the pipeline starts */
  readonly version?: number | 'latest';
}

const names: OptionNames<SubjectSchemaOptions> = { registry: true, subject: true, version: true };

/**
 * The JSON Schema of a subject as a resource: fetched before the first record, and given to `process` as a schema for `model.answer` and all else that takes a Standard Schema. What a model
 * is asked for and what an output topic takes (`jsonSchema({ registry, subject })`) are then the same. Its type is what the caller says.
 * @throws OptionError at the call; from `open` RegistryError, and CodecError `schema_violation` for a schema that is no JSON Schema.
 */
export function subjectSchema<T = unknown>(options: SubjectSchemaOptions): Resource<JsonSchemaValue<T>> {
  requireOptions('subjectSchema', options, names);
  const { registry, subject, version = 'latest' } = options;
  requireMethods('subjectSchema.registry', registry, ['bySubject'], 'registry({ url }) or memoryRegistry()');
  requireText('subjectSchema.subject', subject);
  if (version !== 'latest') requireInteger('subjectSchema.version', version, 1);
  return {
    name: `schema of ${subject}`,
    open: async ({ signal }) => {
      const found = await registry.bySubject(subject, version, { signal });
      const references = await resolveReferences(registry, found.references, { signal });
      // what its values are is the caller's to know
      return { value: registeredJsonSchema(found, references) as JsonSchemaValue<T>, close: () => Promise.resolve() };
    },
  };
}
