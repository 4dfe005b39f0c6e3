import { isStreamError, RegistryError } from '../../errors.ts';
import type { AskOptions, RegisteredSchema, SchemaRegistry, SchemaText } from '../schema-registry.ts';

/**
 * The version of the subject that a schema is: looked up, or registered where it is none yet and `mayRegister`. What cannot follow the subject's latest version is refused
 * with the registry's reasons, before any record is written.
 * @throws RegistryError `schema_not_found`, `schema_incompatible`
 */
export async function outputSchema(
  registry: SchemaRegistry,
  subject: string,
  schema: SchemaText,
  mayRegister: boolean,
  ask: AskOptions,
): Promise<RegisteredSchema> {
  const found = await lookedUp(registry, subject, schema, ask);
  if (found) return found;
  if (!mayRegister)
    throw new RegistryError(
      'schema_not_found',
      `the schema is no version of subject ${subject} at ${registry.name}: register it there, or set register: true`,
    );
  const { isCompatible, messages } = await registry.check(subject, schema, ask);
  if (!isCompatible) throw incompatible(registry, subject, messages);
  return registry.register(subject, schema, ask);
}

/** Undefined where it is no version of the subject. */
export async function lookedUp(
  registry: SchemaRegistry,
  subject: string,
  schema: SchemaText,
  ask: AskOptions,
): Promise<RegisteredSchema | undefined> {
  try {
    return await registry.lookup(subject, schema, ask);
  } catch (error) {
    if (isStreamError(error) && error.code === 'schema_not_found') return undefined;
    throw error;
  }
}

const longest = 600;

function incompatible(registry: SchemaRegistry, subject: string, messages: readonly string[]): RegistryError {
  const why = messages.join('; ').replaceAll(/\s+/g, ' ');
  const told = why === '' ? '' : `: ${why.length > longest ? `${why.slice(0, longest)}…` : why}`;
  return new RegistryError(
    'schema_incompatible',
    `the schema cannot follow the latest version of subject ${subject} at ${registry.name}${told}`,
  );
}
