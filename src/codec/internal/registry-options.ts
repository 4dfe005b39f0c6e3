import { type OptionNames, requireBoolean, requireMethods } from '../../check-options.ts';
import { CodecError, OptionError, PipelineError, requireText } from '../../errors.ts';
import type { SchemaReference, SchemaRegistry } from '../schema-registry.ts';
import { requireStrategy, type SubjectStrategy } from './subject-name.ts';

/** How a codec's schema stands in a registry; the same for all formats. */
export interface RegistryOptions {
  /** @defaultValue by `strategy` */
  readonly subject?: string;
  /** How subjects are called; the name of a record is its schema's: Avro's full name, JSON Schema's `title`. @defaultValue `topic`: `orders-value`, `orders-key` */
  readonly strategy?: SubjectStrategy;
  /** Of an output with `schema`: whether what is no version of its subject yet is made one. @defaultValue true */
  readonly register?: boolean;
  /** Of what `schema` speaks of and does not define. @defaultValue none */
  readonly references?: readonly SchemaReference[];
}

export const registryOptionNames: OptionNames<RegistryOptions> = { subject: true, strategy: true, register: true, references: true };

/** What they are with the defaults filled in. */
export interface ResolvedRegistryOptions extends Required<Omit<RegistryOptions, 'subject'>> {
  readonly registry: SchemaRegistry;
  readonly subject: string | undefined;
}

/** @param what the codec's name, for messages @throws OptionError */
export function resolveRegistryOptions(
  what: string,
  given: { readonly [K in keyof RegistryOptions]: RegistryOptions[K] | undefined } & {
    readonly registry: SchemaRegistry;
    readonly schema?: unknown;
  },
): ResolvedRegistryOptions {
  const { registry, subject, strategy = 'topic', register = true, references = [] } = given;
  requireMethods(`${what}.registry`, registry, registryMethods, 'registry({ url }) or memoryRegistry()');
  requireStrategy(`${what}.strategy`, strategy);
  requireBoolean(`${what}.register`, register);
  if (subject !== undefined) requireText(`${what}.subject`, subject);
  if (!Array.isArray(references)) throw new OptionError(`${what}.references must be a list of { name, subject, version }`);
  if (references.length > 0 && given.schema === undefined)
    throw new OptionError(`${what}.references are of a schema: give ${what}.schema, too`);
  return { registry, subject, strategy, register, references };
}

const registryMethods = ['schemaById', 'bySubject', 'lookup', 'register', 'check'];

/** What a codec with a registry does before it is opened. */
export const notOpen = (what: string) => (): never => {
  throw new PipelineError(
    'invalid_option',
    `${what}({ registry, … }) is used by topics: start() and connect() open it; by hand, await codec.open(…) and use what that resolves to`,
  );
};

export const wrongWay = (): never => {
  throw new PipelineError('invalid_option', 'this codec was opened for the other direction');
};

/** An error that names both schemas: the writer's, and the reader's where it is another. */
export const writtenWith = (error: CodecError, id: number, reader: string | undefined): CodecError =>
  new CodecError(error.code, `${error.message}, written with schema ${String(id)}${reader === undefined ? '' : `, read as ${reader}`}`);
