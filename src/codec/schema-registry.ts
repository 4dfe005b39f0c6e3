/** Kinds of schemas that registries keep; of PROTOBUF nothing is read here. */
export type SchemaType = 'AVRO' | 'JSON' | 'PROTOBUF';

/** A schema that another one speaks of. */
export interface SchemaReference {
  /** As the other one calls it: of Avro a full name, of JSON Schema what stands in `$ref`. */
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** A schema as it is sent to a registry. */
export interface SchemaText {
  /** JSON. */
  readonly schema: string;
  /** @defaultValue `AVRO` */
  readonly schemaType?: SchemaType;
  /** @defaultValue none */
  readonly references?: readonly SchemaReference[];
}

/** A schema that a registry has. */
export interface RegisteredSchema extends Required<SchemaText> {
  /** From 0 to 2^31 - 1; never means another schema. */
  readonly id: number;
}

/** One version of a subject. */
export interface SubjectSchema extends RegisteredSchema {
  readonly subject: string;
  /** From 1. */
  readonly version: number;
}

/** What must be able to read what, before a version is taken. */
export type CompatibilityLevel =
  | 'NONE'
  | 'BACKWARD'
  | 'BACKWARD_TRANSITIVE'
  | 'FORWARD'
  | 'FORWARD_TRANSITIVE'
  | 'FULL'
  | 'FULL_TRANSITIVE';

export interface Compatibility {
  readonly isCompatible: boolean;
  /** Why not, in the registry's words. */
  readonly messages: readonly string[];
}

export interface AskOptions {
  /** Aborted: who asked does not wait any more. */
  readonly signal?: AbortSignal;
}

/**
 * A schema registry. One value is shared by all codecs that are given it, with its caches and connections. It holds nothing open that would keep a process alive.
 *
 * All of it rejects with a RegistryError (or the signal's reason): `registry_unavailable` for what may pass (it has tried more than once), `schema_not_found` where the
 * registry says that there is none, `schema_incompatible`, `authentication_failed`, and `registry_failed` for what a person has to look at.
 */
export interface SchemaRegistry {
  /** For messages: where it is, without user and password. */
  readonly name: string;
  /** @param ask.subject in whose context the id is meant, for registries with several (`:.context:subject`). */
  schemaById(id: number, ask?: AskOptions & { readonly subject?: string | undefined }): Promise<RegisteredSchema>;
  /** A version of a subject. `latest` may be a while old: see the registry's own options. */
  bySubject(subject: string, version: number | 'latest', ask?: AskOptions): Promise<SubjectSchema>;
  /** Which version of a subject this schema is; changes nothing. */
  lookup(subject: string, schema: SchemaText, ask?: AskOptions): Promise<SubjectSchema>;
  /** Makes it a version of the subject, or finds the one that it is. */
  register(subject: string, schema: SchemaText, ask?: AskOptions): Promise<RegisteredSchema>;
  /** Whether it could follow the latest version of the subject; a subject without versions takes all. */
  check(subject: string, schema: SchemaText, ask?: AskOptions): Promise<Compatibility>;
  /** What the subject asks of a new version. */
  compatibility(subject: string, ask?: AskOptions): Promise<CompatibilityLevel>;
}
