import { RegistryError } from '../../errors.ts';
import type { AskOptions, SchemaReference, SchemaRegistry } from '../schema-registry.ts';

const deepest = 20;
const most = 200;

/** A schema that another one speaks of, with what that one calls it. */
export interface ReferencedSchema {
  readonly name: string;
  readonly schema: string;
}

/**
 * All schemas that these references lead to, each once, in an order in which each stands behind those that it speaks of. At most 200, 20 deep.
 * @throws RegistryError also for schemas that speak of each other in a circle
 */
export async function resolveReferences(
  registry: SchemaRegistry,
  references: readonly SchemaReference[],
  ask: AskOptions,
): Promise<readonly ReferencedSchema[]> {
  const found = new Map<string, ReferencedSchema>();
  const above = new Set<string>();
  const follow = async (one: SchemaReference): Promise<void> => {
    const key = `${one.name}\n${one.subject}\n${String(one.version)}`;
    if (found.has(key)) return;
    if (above.has(key)) throw tooMuch(one, 'leads back to itself');
    if (above.size >= deepest) throw tooMuch(one, `nests deeper than ${String(deepest)}`);
    above.add(key);
    const { schema, references: further } = await registry.bySubject(one.subject, one.version, ask);
    for (const next of further) await follow(next);
    above.delete(key);
    if (found.size >= most) throw tooMuch(one, `is one of more than ${String(most)}`);
    found.set(key, { name: one.name, schema });
  };
  for (const one of references) await follow(one);
  return [...found.values()];
}

const tooMuch = ({ name, subject, version }: SchemaReference, why: string): RegistryError =>
  new RegistryError('registry_failed', `the reference to ${name} (version ${String(version)} of subject ${subject}) ${why}`);
