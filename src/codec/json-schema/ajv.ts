import { createRequire } from 'node:module';
import type { Ajv, AnySchemaObject, Options } from 'ajv';
import type { FormatsPlugin } from 'ajv-formats';

export type { Ajv, AnySchemaObject, ErrorObject, Options, ValidateFunction } from 'ajv';

const load = createRequire(import.meta.url);

/** By what stands in `$schema`; drafts before 06 have other rules and are not read. */
const drafts: Readonly<Record<string, { readonly module: string; readonly meta?: string }>> = {
  'http://json-schema.org/draft-06/schema': { module: 'ajv', meta: 'ajv/lib/refs/json-schema-draft-06.json' },
  'http://json-schema.org/draft-07/schema': { module: 'ajv' },
  'https://json-schema.org/draft/2019-09/schema': { module: 'ajv/dist/2019' },
  'https://json-schema.org/draft/2020-12/schema': { module: 'ajv/dist/2020' },
};
const usual = 'http://json-schema.org/draft-07/schema'; // as Confluent's clients and Karapace have it

/**
 * A validator for schemas of one draft, loaded at the first use.
 * @throws TypeError for a draft that is not read
 */
export function makeAjv($schema: unknown, options: Options): Ajv {
  const name = typeof $schema === 'string' ? $schema.replace(/#$/, '').replace(/^https(?=:\/\/json-schema\.org\/draft-0)/, 'http') : usual;
  const draft = Object.hasOwn(drafts, name) ? drafts[name] : undefined;
  if (!draft) throw new TypeError('its $schema is none of draft-06, draft-07, 2019-09 and 2020-12');
  const { default: Made } = load(draft.module) as { readonly default: new (options: Options) => Ajv };
  const { default: addFormats } = load('ajv-formats') as { readonly default: FormatsPlugin };
  const ajv = new Made(options);
  if (draft.meta !== undefined) ajv.addMetaSchema(load(draft.meta) as AnySchemaObject);
  addFormats(ajv);
  return ajv;
}
