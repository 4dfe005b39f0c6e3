import { type Clock, sleep } from '../../clock.ts';
import { CodecError, isStreamError, messageOf } from '../../errors.ts';
import type { CodecUse } from '../codec.ts';
import type { RegisteredSchema, SchemaRegistry } from '../schema-registry.ts';
import { BoundedMap } from './bounded-map.ts';
import { type ReferencedSchema, resolveReferences } from './resolve-references.ts';

const mostKnown = 1_000;
const mostRefused = 10_000;
const firstRetryMs = 250;
const longestRetryMs = 10_000;
/** How long an id that the registry does not know, or whose schema is no good, is refused without asking. */
const refusedForMs = 10_000;

/** What an id is of use for, or why it is not. @throws CodecError */
export type Compile<T> = (schema: RegisteredSchema, references: readonly ReferencedSchema[]) => T;

interface Refused {
  readonly code: 'decode_failed' | 'schema_violation';
  readonly message: string;
  readonly untilMs: number;
}

/**
 * What is made of the schemas that records name: once an id, for the 1,000 ids that were used last. While the registry is away, known ids go on and others wait.
 */
export class KnownSchemas<T> {
  readonly #registry: SchemaRegistry;
  readonly #subject: string | undefined;
  readonly #compile: Compile<T>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #log: CodecUse['log'];
  readonly #known = new BoundedMap<number, T>(mostKnown);
  readonly #refused = new BoundedMap<number, Refused>(mostRefused);
  readonly #waiting = new Map<number, Promise<void>>();
  readonly #end = new AbortController();
  #last: { readonly id: number; readonly value: T } | undefined;
  #away: { readonly sinceMs: number; readonly why: string } | undefined;

  constructor(registry: SchemaRegistry, subject: string | undefined, { clock, log, random = Math.random }: CodecUse, compile: Compile<T>) {
    this.#registry = registry;
    this.#subject = subject;
    this.#compile = compile;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
  }

  /** @throws CodecError where the id is refused, or was never waited for */
  get(id: number): T {
    if (this.#last?.id === id) return this.#last.value; // nearly always
    const value = this.#known.get(id);
    if (value !== undefined) {
      this.#last = { id, value };
      return value;
    }
    throw this.#refusal(id) ?? new CodecError('decode_failed', `schema ${String(id)} has not been fetched from ${this.#registry.name} yet`);
  }

  pending(id: number): Promise<void> | undefined {
    if (this.#last?.id === id || this.#known.get(id) !== undefined || this.#refusal(id)) return undefined;
    const waiting = this.#waiting.get(id) ?? this.#fetch(id).finally(() => this.#waiting.delete(id));
    this.#waiting.set(id, waiting);
    waiting.catch(() => undefined); // who asked may have gone
    return waiting;
  }

  trouble(): string | undefined {
    if (!this.#away || this.#waiting.size === 0) return undefined;
    const { sinceMs, why } = this.#away;
    return `${why}, since ${new Date(sinceMs).toISOString()}; records with schemas that were not seen before wait`; // the same words all along: each change is logged
  }

  close(): void {
    this.#end.abort();
  }

  async #fetch(id: number): Promise<void> {
    const { signal } = this.#end;
    for (let tries = 0; ; tries++) {
      try {
        const schema = await this.#registry.schemaById(id, { subject: this.#subject, signal });
        const references = await resolveReferences(this.#registry, schema.references, { signal });
        this.#back();
        this.#known.set(id, this.#made(id, schema, references));
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof CodecError) throw error;
        if (isStreamError(error) && error.code === 'schema_not_found') throw this.#refuse(id, 'decode_failed', messageOf(error));
        this.#gone(error);
        const asked = isStreamError(error) ? error.retryAfterMs : undefined;
        await sleep(this.#clock, asked ?? waitMs(tries, this.#random()), signal).catch(() => undefined); // aborted: the next question ends at once
      }
    }
  }

  #made(id: number, schema: RegisteredSchema, references: readonly ReferencedSchema[]): T {
    try {
      return this.#compile(schema, references);
    } catch (error) {
      throw this.#refuse(id, 'schema_violation', messageOf(error));
    }
  }

  #refuse(id: number, code: Refused['code'], message: string): CodecError {
    this.#refused.set(id, { code, message, untilMs: this.#clock.nowMs() + refusedForMs });
    return new CodecError(code, message);
  }

  #refusal(id: number): CodecError | undefined {
    const refused = this.#refused.get(id);
    return refused && this.#clock.nowMs() < refused.untilMs ? new CodecError(refused.code, refused.message) : undefined;
  }

  #gone(error: unknown): void {
    const why = messageOf(error);
    if (!this.#away) this.#log('warn', `records wait for a schema: ${why}`);
    this.#away ??= { sinceMs: this.#clock.nowMs(), why };
  }

  #back(): void {
    if (this.#away) this.#log('info', `the schema registry at ${this.#registry.name} answers again`);
    this.#away = undefined;
  }
}

const waitMs = (tries: number, random: number): number => Math.min(longestRetryMs, firstRetryMs * 2 ** tries) * (0.5 + random / 2);
