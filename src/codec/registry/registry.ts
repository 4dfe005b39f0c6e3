import { isStreamError, OptionError, requireInteger, requireText, type StreamError } from '../../errors.ts';
import { BoundedMap } from '../internal/bounded-map.ts';
import { SingleFlight } from '../internal/single-flight.ts';
import type {
  AskOptions,
  Compatibility,
  CompatibilityLevel,
  RegisteredSchema,
  SchemaRegistry,
  SchemaText,
  SubjectSchema,
} from '../schema-registry.ts';
import type { JsonObject } from './judge-answer.ts';
import { compatibilityOf, levelOf, notUnderstood, registeredOf, schemaOf, subjectSchemaOf } from './read-answers.ts';
import { RegistryClient } from './registry-client.ts';
import { type RegistryOptions, type ResolvedRegistryOptions, resolveRegistryOptions } from './registry-options.ts';

const mostSchemas = 1_000;
const mostText = 64 * 1024 * 1024; // characters
const mostUnknown = 10_000;

/**
 * A schema registry with Confluent's REST contract: Confluent's own, Karapace, Redpanda, Apicurio (behind `…/apis/ccompat/v7`). A value that starts nothing; shared between codecs by
 * being given to them.
 *
 * Holds the 1,000 schemas that were used last (64 Mi characters) for as long as the process lives, since an id never means another schema; the latest version of a subject for
 * `latestMaxAgeMs`, an id that is unknown for `unknownForMs`. Who asks the same at the same time shares one request; at most 8 go to one place at a time. What fails for a reason that
 * may pass (no connection, 429, 5xx, silence, answers that are cut off or too long) is tried again `attempts` times, at each place in turn. Redirects are not followed. Neither errors nor
 * `name` hold user, password or token.
 * @throws OptionError at the call
 * @see https://docs.confluent.io/platform/current/schema-registry/develop/api.html
 */
export function registry(options: RegistryOptions = {}): SchemaRegistry {
  return new HttpRegistry(resolveRegistryOptions(options, process.env));
}

interface Dated<T> {
  readonly value: T;
  readonly sinceMs: number;
}

class HttpRegistry implements SchemaRegistry {
  readonly name: string;
  readonly #options: ResolvedRegistryOptions;
  readonly #client: RegistryClient;
  readonly #flights = new SingleFlight<JsonObject>();
  readonly #byId = new BoundedMap<string, RegisteredSchema>(mostSchemas, mostText);
  readonly #versions = new BoundedMap<string, Dated<SubjectSchema>>(mostSchemas, mostText);
  readonly #unknown = new BoundedMap<string, Dated<StreamError>>(mostUnknown);

  constructor(options: ResolvedRegistryOptions) {
    this.name = options.places.map(({ shown }) => shown).join(', ');
    this.#options = options;
    this.#client = new RegistryClient(options);
  }

  async schemaById(
    id: number,
    { subject, signal }: AskOptions & { readonly subject?: string | undefined } = {},
  ): Promise<RegisteredSchema> {
    requireInteger('id', id, 0, 2 ** 31 - 1);
    const context = subject === undefined ? undefined : /^:\.[^:]*:/.exec(subject)?.[0];
    const key = `${context ?? ''}${String(id)}`;
    const known = this.#byId.get(key);
    if (known) return known;
    const unknown = this.#unknown.get(key);
    if (unknown && this.#ageOf(unknown) < this.#options.unknownForMs) throw unknown.value;
    const path = `/schemas/ids/${String(id)}${context === undefined ? '' : `?subject=${encodeURIComponent(subject ?? '')}`}`;
    try {
      const schema = schemaOf(await this.#ask('GET', path, `schema ${key}`, signal), id, this.name);
      this.#byId.set(key, schema, schema.schema.length);
      return schema;
    } catch (error) {
      if (isStreamError(error) && error.code === 'schema_not_found')
        this.#unknown.set(key, { value: error, sinceMs: this.#options.clock.nowMs() });
      throw error;
    }
  }

  async bySubject(subject: string, version: number | 'latest', { signal }: AskOptions = {}): Promise<SubjectSchema> {
    if (version !== 'latest') requireInteger('version', version, 1);
    const key = `${subject}\n${String(version)}`;
    const known = this.#versions.get(key);
    if (known && (version !== 'latest' || this.#ageOf(known) < this.#options.latestMaxAgeMs)) return known.value;
    const asked = `version ${String(version)} of subject ${subject}`;
    const found = subjectSchemaOf(
      await this.#ask('GET', `${pathOf(subject)}/versions/${String(version)}`, asked, signal),
      subject,
      this.name,
    );
    if (version !== 'latest' && found.version !== version) throw notUnderstood(this.name, 'version', String(version));
    this.#versions.set(key, { value: found, sinceMs: this.#options.clock.nowMs() }, found.schema.length);
    return found;
  }

  async lookup(subject: string, schema: SchemaText, { signal }: AskOptions = {}): Promise<SubjectSchema> {
    const answer = await this.#ask(
      'POST',
      `${pathOf(subject)}${this.#normalized}`,
      `this schema in subject ${subject}`,
      signal,
      bodyOf(schema),
    );
    return subjectSchemaOf({ ...schema, ...answer }, subject, this.name);
  }

  async register(subject: string, schema: SchemaText, { signal }: AskOptions = {}): Promise<RegisteredSchema> {
    const asked = `a new version of subject ${subject}`;
    const answer = await this.#ask('POST', `${pathOf(subject)}/versions${this.#normalized}`, asked, signal, bodyOf(schema));
    this.#versions.delete(`${subject}\nlatest`);
    return registeredOf(answer, schema, this.name);
  }

  async check(subject: string, schema: SchemaText, { signal }: AskOptions = {}): Promise<Compatibility> {
    const path = `/compatibility${pathOf(subject)}/versions/latest?verbose=true`;
    try {
      return compatibilityOf(await this.#ask('POST', path, `a check against subject ${subject}`, signal, bodyOf(schema)), this.name);
    } catch (error) {
      if (isStreamError(error) && error.code === 'schema_not_found') return { isCompatible: true, messages: [] };
      throw error;
    }
  }

  async compatibility(subject: string, { signal }: AskOptions = {}): Promise<CompatibilityLevel> {
    requireSubject(subject);
    const path = `/config/${encodeURIComponent(subject)}?defaultToGlobal=true`;
    try {
      return levelOf(await this.#ask('GET', path, `the compatibility of subject ${subject}`, signal), this.name);
    } catch (error) {
      // Karapace, of a subject without versions; others, older than defaultToGlobal, of one without a level of its own
      if (!isStreamError(error) || error.code !== 'schema_not_found') throw error;
      return levelOf(await this.#ask('GET', '/config', 'the compatibility of all subjects', signal), this.name);
    }
  }

  get #normalized(): string {
    return this.#options.normalize ? '?normalize=true' : '';
  }

  #ageOf({ sinceMs }: Dated<unknown>): number {
    return this.#options.clock.nowMs() - sinceMs;
  }

  #ask(method: 'GET' | 'POST', path: string, asked: string, signal: AbortSignal | undefined, body?: object): Promise<JsonObject> {
    const key = `${method} ${path} ${body === undefined ? '' : JSON.stringify(body)}`;
    return this.#flights.ask(key, signal, (own) => this.#client.ask(method, path, asked, own, body));
  }
}

function requireSubject(subject: unknown): asserts subject is string {
  requireText('subject', subject);
  if (/^\.{1,2}$/.test(subject)) throw new OptionError(`subject must be a name that a path can hold, got ${subject}`);
}

function pathOf(subject: string): string {
  requireSubject(subject);
  return `/subjects/${encodeURIComponent(subject)}`;
}

/** As registries have it: the type of an Avro schema is left out, which the oldest do not know. */
const bodyOf = ({ schema, schemaType = 'AVRO', references = [] }: SchemaText): object => ({
  schema,
  ...(schemaType !== 'AVRO' && { schemaType }),
  ...(references.length > 0 && { references }),
});
