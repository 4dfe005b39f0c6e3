import { type OptionNames, requireBoolean, requireOptions } from '../check-options.ts';
import { messageOf, RegistryError, requireInteger, requireOneOf, requireText } from '../errors.ts';
import { avroTypeOf, type WholeSchema, whyUnreadable } from './avro/avro-compatibility.ts';
import { canonicalJson } from './internal/canonical-json.ts';
import { resolveReferences } from './internal/resolve-references.ts';
import type {
  Compatibility,
  CompatibilityLevel,
  RegisteredSchema,
  SchemaRegistry,
  SchemaText,
  SchemaType,
  SubjectSchema,
} from './schema-registry.ts';

export interface MemoryRegistryOptions {
  /** Of subjects that have no level of their own. @defaultValue `BACKWARD`, as everywhere */
  readonly compatibility?: CompatibilityLevel;
}

/** A registry in the process, with what tests need beside. */
export interface MemoryRegistry extends SchemaRegistry {
  setCompatibility(subject: string, level: CompatibilityLevel): void;
  /** False: every question fails with `registry_unavailable`, until it is true again. What codecs know already goes on. */
  setAvailable(isAvailable: boolean): void;
}

const names: OptionNames<MemoryRegistryOptions> = { compatibility: true };
const levels = ['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE'] as const;

/**
 * A schema registry in memory, for tests and the embedded broker: ids, versions, references and compatibility as the others have them. It holds all that was registered, for as long
 * as it is held itself; nothing is ever deleted. Avro schemas are judged by the rules that they are read by here. Of two JSON Schemas it knows only whether they are the same: any
 * change is incompatible, unless the subject's level is `NONE`. Protobuf is refused.
 * @throws OptionError at the call
 */
export function memoryRegistry(options: MemoryRegistryOptions = {}): MemoryRegistry {
  requireOptions('memoryRegistry', options, names);
  const { compatibility = 'BACKWARD' } = options;
  requireOneOf('memoryRegistry.compatibility', compatibility, levels);
  return new InMemory(compatibility);
}

class InMemory implements MemoryRegistry {
  readonly name = 'memory';
  readonly #level: CompatibilityLevel;
  readonly #levels = new Map<string, CompatibilityLevel>();
  readonly #subjects = new Map<string, SubjectSchema[]>();
  readonly #byId: RegisteredSchema[] = [];
  readonly #ids = new Map<string, number>();
  #isAvailable = true;
  #registered: Promise<unknown> = Promise.resolve();

  constructor(level: CompatibilityLevel) {
    this.#level = level;
  }

  setCompatibility(subject: string, level: CompatibilityLevel): void {
    requireText('subject', subject);
    requireOneOf('level', level, levels);
    this.#levels.set(subject, level);
  }

  setAvailable(isAvailable: boolean): void {
    requireBoolean('isAvailable', isAvailable);
    this.#isAvailable = isAvailable;
  }

  async schemaById(id: number): Promise<RegisteredSchema> {
    await this.#answer();
    requireInteger('id', id, 0);
    return this.#byId[id - 1] ?? missing(`schema ${String(id)}`);
  }

  async bySubject(subject: string, version: number | 'latest'): Promise<SubjectSchema> {
    await this.#answer();
    const versions = this.#subjects.get(subject) ?? missing(`subject ${subject}`);
    return versions.at(version === 'latest' ? -1 : version - 1) ?? missing(`version ${String(version)} of subject ${subject}`);
  }

  async lookup(subject: string, schema: SchemaText): Promise<SubjectSchema> {
    await this.#answer();
    const form = formOf(schema);
    return this.#subjects.get(subject)?.find((one) => formOf(one) === form) ?? missing(`this schema in subject ${subject}`);
  }

  async register(subject: string, given: SchemaText): Promise<RegisteredSchema> {
    await this.#answer();
    requireText('subject', subject);
    const form = formOf(given);
    await this.#requireValid(given);
    const registered = this.#registered.then(() => this.#register(subject, form, given)); // one at a time: each is judged by the one before
    this.#registered = registered.catch(() => undefined);
    return registered;
  }

  async #register(subject: string, form: string, given: SchemaText): Promise<RegisteredSchema> {
    const known = this.#subjects.get(subject)?.find((one) => formOf(one) === form);
    if (known) return known;
    const { isCompatible, messages } = await this.#judge(subject, given);
    if (!isCompatible)
      throw new RegistryError('schema_incompatible', `the schema cannot be a version of subject ${subject}: ${messages.join('; ')}`);
    const versions = this.#subjects.get(subject) ?? [];
    const added = { ...this.#identified(form, given), subject, version: versions.length + 1 };
    this.#subjects.set(subject, [...versions, added]);
    return added;
  }

  async check(subject: string, schema: SchemaText): Promise<Compatibility> {
    await this.#answer();
    await this.#requireValid(schema);
    return this.#judge(subject, schema);
  }

  async compatibility(subject: string): Promise<CompatibilityLevel> {
    await this.#answer();
    return this.#levelOf(subject);
  }

  #levelOf(subject: string): CompatibilityLevel {
    return this.#levels.get(subject) ?? this.#level;
  }

  async #answer(): Promise<void> {
    await Promise.resolve();
    if (!this.#isAvailable) throw new RegistryError('registry_unavailable', 'the schema registry in memory is set to be away');
  }

  /** The same schema has the same id in all subjects. */
  #identified(form: string, { schema, schemaType = 'AVRO', references = [] }: SchemaText): RegisteredSchema {
    const known = this.#byId[(this.#ids.get(form) ?? 0) - 1];
    if (known) return known;
    const added = { id: this.#byId.length + 1, schema, schemaType, references };
    this.#byId.push(added);
    this.#ids.set(form, added.id);
    return added;
  }

  async #requireValid(schema: SchemaText): Promise<void> {
    try {
      if (schema.schemaType === 'PROTOBUF') throw new TypeError('Protobuf is not kept here');
      const whole = await this.#whole(schema);
      if (schema.schemaType !== 'JSON') avroTypeOf(whole);
    } catch (error) {
      throw new RegistryError('registry_failed', `the schema registry in memory refuses a schema: ${messageOf(error)}`, { status: 422 });
    }
  }

  async #judge(subject: string, schema: SchemaText): Promise<Compatibility> {
    const level = this.#levelOf(subject);
    const all = this.#subjects.get(subject) ?? [];
    if (level === 'NONE' || all.length === 0) return { isCompatible: true, messages: [] };
    const own = await this.#whole(schema);
    const messages: string[] = [];
    for (const before of level.endsWith('_TRANSITIVE') ? all : all.slice(-1)) {
      const why = whyNot(
        level,
        { ...own, schemaType: schema.schemaType },
        { ...(await this.#whole(before)), schemaType: before.schemaType },
      );
      if (why !== undefined) messages.push(`version ${String(before.version)}: ${why}`);
    }
    return { isCompatible: messages.length === 0, messages };
  }

  async #whole({ schema, references = [] }: SchemaText): Promise<WholeSchema> {
    return { schema, references: await resolveReferences(this, references, {}) };
  }
}

type Judged = WholeSchema & { readonly schemaType: SchemaType | undefined };

function whyNot(level: CompatibilityLevel, later: Judged, earlier: Judged): string | undefined {
  const [type, typeBefore] = [later.schemaType ?? 'AVRO', earlier.schemaType ?? 'AVRO'];
  if (type !== typeBefore) return `it is of type ${typeBefore}, not ${type}`;
  if (type !== 'AVRO')
    return canonicalJson(later.schema) === canonicalJson(earlier.schema)
      ? undefined
      : 'any change of a JSON Schema is incompatible here; set the level NONE where it is meant';
  const backward = level.startsWith('FORWARD') ? undefined : whyUnreadable(earlier, later);
  const forward = level.startsWith('BACKWARD') ? undefined : whyUnreadable(later, earlier);
  if (backward !== undefined) return `what it wrote cannot be read: ${backward}`;
  return forward === undefined ? undefined : `it cannot read what is written now: ${forward}`;
}

/** What makes two schemas one. */
function formOf({ schema, schemaType = 'AVRO', references = [] }: SchemaText): string {
  const text = canonicalJson(schema);
  if (text === undefined)
    throw new RegistryError('registry_failed', 'the schema registry in memory refuses a schema that is no JSON', { status: 422 });
  return JSON.stringify([schemaType, text, references.map(({ name, subject, version }) => [name, subject, version])]);
}

function missing(what: string): never {
  throw new RegistryError('schema_not_found', `the schema registry in memory has none: ${what}`, { status: 404 });
}
