import { isObject } from '../../check-options.ts';
import { RegistryError } from '../../errors.ts';
import type {
  Compatibility,
  CompatibilityLevel,
  RegisteredSchema,
  SchemaReference,
  SchemaText,
  SchemaType,
  SubjectSchema,
} from '../schema-registry.ts';
import type { JsonObject } from './judge-answer.ts';

const mostReferences = 1_000;
const types: readonly SchemaType[] = ['AVRO', 'JSON', 'PROTOBUF'];
const levels: readonly CompatibilityLevel[] = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
];

/** Of Avro schemas registries leave the type out. */
export function schemaOf(answer: JsonObject, id: number, name: string): RegisteredSchema {
  const { schema, schemaType = 'AVRO', references } = answer;
  const type = types.find((one) => one === schemaType);
  if (typeof schema !== 'string') throw notUnderstood(name, 'schema', 'text');
  if (!type) throw notUnderstood(name, 'schemaType', types.join(', '));
  return { id, schema, schemaType: type, references: referencesOf(references, name) };
}

export const subjectSchemaOf = (answer: JsonObject, subject: string, name: string): SubjectSchema => ({
  ...schemaOf(answer, integerOf(answer, 'id', name), name),
  subject,
  version: integerOf(answer, 'version', name),
});

/** Of a registration; older registries tell nothing but the id. */
export const registeredOf = (
  answer: JsonObject,
  { schema, schemaType = 'AVRO', references = [] }: SchemaText,
  name: string,
): RegisteredSchema => ({
  ...{ id: integerOf(answer, 'id', name), schema, schemaType, references },
});

export function compatibilityOf(answer: JsonObject, name: string): Compatibility {
  const { is_compatible: isCompatible, messages } = answer;
  if (typeof isCompatible !== 'boolean') throw notUnderstood(name, 'is_compatible', 'true or false');
  return { isCompatible, messages: Array.isArray(messages) ? messages.filter((one) => typeof one === 'string') : [] };
}

export function levelOf(answer: JsonObject, name: string): CompatibilityLevel {
  const given = answer['compatibilityLevel'] ?? answer['compatibility'];
  const level = levels.find((one) => one === given);
  if (!level) throw notUnderstood(name, 'compatibilityLevel', levels.join(', '));
  return level;
}

function referencesOf(given: unknown, name: string): readonly SchemaReference[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given) || given.length > mostReferences)
    throw notUnderstood(name, 'references', `a list of up to ${String(mostReferences)}`);
  return given.map((one: unknown) => {
    if (!isObject(one)) throw notUnderstood(name, 'references', 'a list of objects');
    const { name: called, subject, version } = one as JsonObject;
    if (typeof called === 'string' && typeof subject === 'string' && Number.isSafeInteger(version))
      return { name: called, subject, version: version as number };
    throw notUnderstood(name, 'references', 'a list of { name, subject, version }');
  });
}

function integerOf(answer: JsonObject, key: string, name: string): number {
  const value = answer[key];
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value;
  throw notUnderstood(name, key, 'an integer from 0 to 2^31 - 1');
}

export const notUnderstood = (name: string, key: string, expected: string): RegistryError =>
  new RegistryError(
    'registry_failed',
    `the schema registry at ${name} answered something else than it should: expected ${expected} as ${key}`,
  );
