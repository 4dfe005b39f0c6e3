import { isStreamError, RecordError } from '../errors.ts';
import { notDegraded, stepsOf } from './degraded.ts';
import type { EnvelopeFields } from './envelope-fields.ts';
import { CompositePart, Handle, watch } from './handle.ts';
import type { KeyAfter, OutputFields } from './output-fields.ts';
import type { Part } from './part.ts';
import { recordError } from './record-error.ts';
import type { Settlement } from './lineage.ts';
import { formatPosition, type Position, type RecordHeaders } from './record.ts';
import { changedContext, type ContextChange, contextProblem, noContext, type RecordContext } from './record-context.ts';
import type { Run } from './run.ts';
import type { Spending } from './spending.ts';

/** `S`, and no field that outputs do not have: inferring `S` would let a misspelt one pass. */
type Known<S> = S & Readonly<Record<Exclude<keyof S, keyof OutputFields>, never>>;

interface Inner {
  readonly run: Run;
  handle: Handle | undefined;
  /** For looking only: it does not keep the handle alive. */
  readonly part: Part;
  readonly set: OutputFields;
  readonly members: readonly Envelope<unknown, unknown>[] | undefined;
  readonly rawKey: Uint8Array | null;
  readonly degraded: readonly string[];
}

const inner = Symbol('millrace.envelope');

/**
 * A value on its way through a pipeline, which knows the record it descends from. It is consumed once: by `with`,
 * `split`, `merge` or an operator; a second use throws `lineage_reused`. Two branches need `split`.
 */
export class Envelope<out T, out K = string | null> {
  readonly value: T;
  readonly key: K;
  readonly headers: RecordHeaders;
  /** Of the source record; milliseconds since 1970. */
  readonly timestampMs: number;
  readonly position: Position;
  /** The request that the record belongs to, from its headers or set by code. */
  readonly context: RecordContext;
  readonly [inner]: Inner;

  /** @internal Use {@link openEnvelope}. */
  constructor(fields: EnvelopeFields<T, K>, state: Inner) {
    this.value = fields.value;
    this.key = fields.key;
    this.headers = fields.headers;
    this.timestampMs = fields.timestampMs;
    this.position = fields.position;
    this.context = fields.context ?? noContext;
    this[inner] = state;
  }

  /** When the record's time is up, in the pipeline's clock: milliseconds since 1970. It starts anew with the first call. */
  get deadlineMs(): number {
    return this[inner].part.deadlineMs;
  }

  /** The steps that stood in for another one on the way here, as `fallbackTo` names them: its output says so in `millrace-degraded`. */
  get degraded(): readonly string[] {
    return this[inner].degraded;
  }

  /** The envelopes that a batch was made of (they are consumed); undefined when this is no batch. */
  get members(): readonly Envelope<unknown, unknown>[] | undefined {
    return this[inner].members;
  }

  /**
   * The same record with another value; `set` changes what its output carries. A key that is set is the envelope's from here on;
   * in which order records run was decided by the one that was read.
   * @throws RecordError `lineage_reused` on a second use; TypeError for a context that does not fit.
   */
  with<U, const N extends string, S extends OutputFields>(
    value: U,
    set: Known<S> & { readonly route: N },
  ): RoutedEnvelope<U, KeyAfter<K, S>, N>;
  with<U, S extends OutputFields = object>(value: U, set?: Known<S>): Envelope<U, KeyAfter<K, S>>;
  with<U>(value: U, set?: OutputFields): Envelope<U, unknown> {
    const problem = set?.context && contextProblem(set.context);
    if (problem !== undefined) throw new TypeError(problem); // before the envelope is spent
    const handle = take(this);
    handle.part.advance();
    return derive(this, handle, value, set, this[inner].members);
  }

  /**
   * One envelope per value; the record is settled when all of them are. Values are pulled as the result is iterated;
   * if iteration stops early, or `values` throws, the parts that were not pulled fail with it.
   *
   * @throws RecordError `lineage_reused` on a second use; `too_many_parts` beyond `maxParts` (10,000).
   */
  split<U>(values: Iterable<U>, { maxParts = 10_000 }: { readonly maxParts?: number } = {}): Iterable<Envelope<U, K>> {
    return splitting(this, take(this), values, maxParts);
  }

  /**
   * One envelope that descends from all of `envelopes` and settles them together; key, headers and timestamp are the
   * first one's.
   * @throws RecordError `lineage_reused` when one of them was used before; `no_result` for none.
   */
  static merge<U, K>(envelopes: readonly Envelope<unknown, K>[], value: U): Envelope<U, K> {
    const [first] = envelopes;
    if (first === undefined) throw new RecordError('no_result', 'merge needs at least one envelope, got none');
    const part = new CompositePart(envelopes.map(take));
    part.advance();
    return derive(first, new Handle(part), value, undefined, undefined, stepsOf(envelopes));
  }
}

function* splitting<T, U, K>(
  from: Envelope<T, K>,
  handle: Handle,
  values: Iterable<U>,
  maxParts: number,
): Generator<Envelope<U, K>, void, undefined> {
  let count = 0;
  try {
    for (const value of values) {
      count += 1;
      if (count > maxParts) {
        throw recordError(
          'too_many_parts',
          `record ${formatPosition(from.position)} was split into more than ${String(maxParts)} parts (maxParts)`,
          from.position,
        );
      }
      yield derive(from, watch(handle.part.fork()), value, undefined, from[inner].members);
    }
    if (count === 0) handle.part.settle('dropped', 'split into no parts');
    else handle.part.retire();
  } catch (error) {
    handle.part.settle('failed', error instanceof Error ? error : new RecordError('project_threw', 'splitting threw', { cause: error }));
    throw error;
  } finally {
    if (handle.part.live) {
      handle.part.settle(
        'failed',
        recordError(
          'envelope_lost',
          `splitting record ${formatPosition(from.position)} stopped after ${String(count)} parts`,
          from.position,
        ),
      );
    }
  }
}

function derive<U, K>(
  from: Envelope<unknown, K>,
  handle: Handle,
  value: U,
  set: OutputFields | undefined,
  members: Inner['members'],
  degraded = from[inner].degraded,
): Envelope<U, K> {
  const { run, rawKey } = from[inner];
  const key = set && 'key' in set ? (set.key as K) : from.key;
  const { headers, timestampMs, position } = from;
  const context = set?.context ? changeContext(from.context, set.context, handle) : from.context;
  const fields = { value, key, rawKey, headers, timestampMs, position, context };
  return new Envelope<U, K>(fields, {
    run,
    handle,
    part: handle.part,
    set: set ? { ...from[inner].set, ...set } : from[inner].set,
    members,
    rawKey,
    degraded,
  });
}

function changeContext(before: RecordContext, change: ContextChange, { part }: Handle): RecordContext {
  const context = changedContext(before, change);
  part.setContext(context);
  return context;
}

/** The first envelope of a record. @internal */
export function openEnvelope<T, K>(fields: EnvelopeFields<T, K>, settlement: Settlement): Envelope<T, K> {
  const handle = new Handle(settlement.add(0));
  return new Envelope(fields, {
    run: settlement.run,
    handle,
    part: handle.part,
    set: {},
    members: undefined,
    rawKey: fields.rawKey,
    degraded: notDegraded,
  });
}

/**
 * Consumes an envelope: whoever calls this answers for the part. @internal
 * @throws RecordError `lineage_reused` for a second use, which fails the record; `pipeline_threw` for what is no envelope.
 */
export function take(envelope: Envelope<unknown, unknown>): Handle {
  const state = (envelope as Partial<Envelope<unknown, unknown>> | null | undefined)?.[inner];
  if (state === undefined) throw notAnEnvelope(envelope);
  const { handle } = state;
  if (handle === undefined) {
    const { position } = envelope;
    const text = `the envelope of record ${formatPosition(position)} was used twice (share, mergeMap and merge can do that): an envelope goes one way, two branches need split`;
    const error = recordError('lineage_reused', text, position);
    state.part.settle('failed', error); // what its first use still brings is not all that was meant
    throw error;
  }
  state.handle = undefined;
  return handle;
}

/** Whether `error` is of an envelope that was used twice: its record has failed, nothing else has to. @internal */
export const isReuse = (error: unknown): boolean => isStreamError(error) && error.code === 'lineage_reused';

function notAnEnvelope(value: unknown): RecordError {
  const what = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
  return new RecordError(
    'pipeline_threw',
    `an operator of the pipeline, or its end, was given ${what} instead of an envelope: use mapValue, mapConcurrent and batchWithin instead of rxjs's map, mergeMap and bufferCount, which see the envelope and not its value`,
  );
}

/**
 * One of several results of an envelope that was taken: a new claim, while `handle` goes on until it is retired. Nobody
 * watches `own` yet. @internal
 */
export function branch<U, K>(
  from: Envelope<unknown, K>,
  handle: Handle,
  { value, degraded }: { readonly value: U; readonly degraded?: readonly string[] },
): { readonly envelope: Envelope<U, K>; readonly own: Handle } {
  const own = new Handle(handle.part.fork());
  return { envelope: derive(from, own, value, undefined, from[inner].members, degraded), own };
}

/** A member of a batch that was taken apart, which bears the marks of both. @internal */
export function resumeMember<U, K>(member: Envelope<unknown, K>, of: Envelope<unknown, unknown>, handle: Handle, value: U): Envelope<U, K> {
  handle.part.advance();
  return derive(member, handle, value, undefined, member[inner].members, stepsOf([member, of]));
}

/** A batch of envelopes that were taken before: their parts go on together until `members` are taken apart. @internal */
export function together<T, K>(envelopes: readonly Envelope<T, K>[], part: CompositePart): BatchEnvelope<T, K> {
  const [first] = envelopes;
  if (first === undefined) throw new RecordError('no_result', 'a batch needs at least one envelope, got none');
  part.advance();
  return derive(
    first,
    new Handle(part),
    envelopes.map((one) => one.value),
    undefined,
    envelopes,
  ) as BatchEnvelope<T, K>;
}

/** A batch taken apart: its members with their parts, in order; undefined when `envelope` is none. @internal */
export function membersOf(
  envelope: Envelope<unknown, unknown>,
  handle: Handle,
): readonly (readonly [Envelope<unknown, unknown>, Handle])[] | undefined {
  const { members } = envelope[inner];
  if (!members || !(handle.part instanceof CompositePart)) return undefined;
  const handles = handle.part.members;
  return members.flatMap((member, i) => {
    const own = handles[i];
    return own ? [[member, own] as const] : [];
  });
}

/** Several values that make one call. `members` are the envelopes they came in; they are consumed. */
export interface BatchEnvelope<T, K = string | null> extends Envelope<readonly T[], K> {
  readonly members: readonly Envelope<T, K>[];
}

declare const setByRouteBy: unique symbol;

/** An envelope whose route is one of the names `N`. The field is for the type checker and its messages: there is none. */
export interface RoutedEnvelope<out T, out K, out N extends string> extends Envelope<T, K> {
  readonly [setByRouteBy]: N;
}

/** @internal */
export const runOf = (envelope: Envelope<unknown, unknown>): Run => envelope[inner].run;
/** @internal */
export const handleOf = (envelope: Envelope<unknown, unknown>): Handle | undefined => envelope[inner].handle;
/** @internal */
export const spendingOf = (envelope: Envelope<unknown, unknown>): Spending | undefined => envelope[inner].part.spending;
/** @internal */
export const outputFieldsOf = (envelope: Envelope<unknown, unknown>): OutputFields => envelope[inner].set;
/** @internal */
export const rawKeyOf = (envelope: Envelope<unknown, unknown>): Uint8Array | null => envelope[inner].rawKey;
