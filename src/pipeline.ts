import type { Observable } from 'rxjs';
import type { Codec } from './codec/codec.ts';
import {
  isObject,
  type OptionNames,
  requireBoolean,
  requireFunction,
  requireMethods,
  requireObject,
  requireOptions,
} from './check-options.ts';
import { bytes } from './codec/bytes.ts';
import { text } from './codec/text.ts';
import { OptionError, requireNumber, requireOneOf, requireText } from './errors.ts';
import type { Envelope, RoutedEnvelope } from './record/envelope.ts';
import type { Ordering } from './record/ordering.ts';
import type { OpenedResources, Resource } from './resource.ts';
import {
  type DefaultRetry,
  type ResolvedRetry,
  resolveRetry,
  resolveRetryTopics,
  type RetryTopic,
  type RetryTopics,
} from './retry-options.ts';

/** A topic and how its keys and values are read and written. */
export interface Topic<T, K = string | null> {
  readonly name: string;
  readonly value: Codec<T>;
  readonly key: Codec<K>;
  /**
   * Whether what an exactly-once pipeline writes here belongs to its transactions. False for what is to be seen at once and may
   * be seen again, such as progress and token chunks; readers see it although the transaction beside it is open, or aborted.
   */
  readonly transactional: boolean;
}

export interface TopicOptions {
  /** See {@link Topic.transactional}. @defaultValue true */
  readonly transactional?: boolean;
}

const topicNames: OptionNames<TopicOptions & { readonly key?: unknown }> = { key: true, transactional: true };

/** A topic of raw bytes; keys are UTF-8 strings. */
export function topic(name: string): Topic<Uint8Array | null>;
/** A topic whose values go through `codec`; keys are UTF-8 strings. */
export function topic<T>(name: string, codec: Codec<T>, options?: TopicOptions): Topic<T>;
/** A topic with codecs for values and keys. */
export function topic<T, K>(name: string, codec: Codec<T>, options: TopicOptions & { readonly key: Codec<K> }): Topic<T, K>;
export function topic(
  name: string,
  codec: Codec<unknown> = bytes(),
  options: TopicOptions & { readonly key?: Codec<unknown> } = {},
): Topic<unknown, unknown> {
  requireText('topic name', name);
  if (!/^[\w.-]{1,249}$/.test(name) || name === '.' || name === '..') {
    throw new OptionError(`topic name must be 1 to 249 letters, digits, '.', '_' or '-', got ${JSON.stringify(name)}`);
  }
  requireOptions(`topic ${name}`, options, topicNames);
  const { key = text({ orNull: true }), transactional = true } = options;
  requireCodec(`codec of topic ${name}`, codec);
  requireCodec(`key of topic ${name}`, key);
  requireBoolean(`transactional of topic ${name}`, transactional);
  return { name, value: codec, key, transactional };
}

const requireCodec = (name: string, codec: Codec<unknown>): void => {
  const methods = isObject(codec) && codec.open !== undefined ? ['decode', 'encode', 'open'] : ['decode', 'encode'];
  requireMethods(name, codec, methods, 'a codec such as json() or text()');
};

/** What a pipeline reads or writes: one topic, or several under names. */
export type Topics = Topic<unknown, unknown> | Readonly<Record<string, Topic<unknown, unknown>>>;

/** The values of topics: with several, of any of them. */
export type ValueOf<Of> =
  Of extends Topic<infer T, unknown> ? T : Of extends Readonly<Record<string, Topic<unknown, unknown>>> ? ValueOf<Of[keyof Of]> : unknown;

/** The keys of topics: with several, of any of them. */
export type KeyOf<Of> =
  Of extends Topic<unknown, infer K> ? K : Of extends Readonly<Record<string, Topic<unknown, unknown>>> ? KeyOf<Of[keyof Of]> : unknown;

/** What `process` must emit for output `O`: with several topics, envelopes routed to their names. */
export type OutputEnvelope<O> =
  O extends Topic<infer T, unknown>
    ? Envelope<T, unknown>
    : O extends Readonly<Record<infer N extends string, Topic<unknown, unknown>>>
      ? RoutedEnvelope<ValueOf<O>, unknown, N>
      : Envelope<unknown, unknown>;

export interface PipelineSpec<I extends Topics, O extends Topics | undefined, R extends Readonly<Record<string, Resource<unknown>>>> {
  /** Also the consumer group, unless `groupId` says otherwise. */
  readonly name: string;
  readonly groupId?: string;
  /** The topic that is read, or several under names (`envelope.position.topic` says which one a record came from). */
  readonly input: I;
  /**
   * Shares of input topics, by their names in `input` (a single topic's is its own), each above 0: what is taken of those with a backlog,
   * and of the window when it is short, is shared by them. A topic of weight 100 beside one of 1 comes first in all but name, and the
   * other one does not starve. Retry topics have 1. @defaultValue 1 each
   */
  readonly weights?: Readonly<Record<string, number>>;
  /** The topic that results go to; several under names, between which `routeBy` chooses; none: reaching the end is done. */
  readonly output?: O;
  /** Where failed records go, with what happened to them; or `'stop'`: the first failure ends the pipeline. */
  readonly deadLetter: Topic<Uint8Array | null> | 'stop';
  /** @defaultValue 'key' */
  readonly ordering?: Ordering;
  /**
   * What a reader of committed records sees of each input record after crashes and rebalances: its outputs at least once, or
   * exactly once. Exactly-once costs a transaction per input partition and commit interval, and outputs are seen with its end;
   * calls that were under way at a crash are made again in both. @defaultValue 'at-least-once'
   */
  readonly delivery?: 'at-least-once' | 'exactly-once';
  /** Longest time from taking a record to the end of its last call, in ms. @defaultValue 600,000 */
  readonly deadlineMs?: number;
  /**
   * How calls are tried again that have no `retryWithBackoff` of their own: errors of grade `transient` and `resource` up to
   * `attempts` times in all, overloads as long as the other side asks (the record's time stands still meanwhile), with full jitter. `'none'`:
   * each call is made once. @defaultValue { attempts: 3, initialMs: 250, maxMs: 30,000 }
   */
  readonly retry?: DefaultRetry | 'none';
  /**
   * Where records wait for another run that failed for a reason that may pass, after the attempts in place; without it they go
   * to the dead letters. The pipeline reads these topics too. @defaultValue none
   */
  readonly retryTopics?: RetryTopics;
  /**
   * Where a partition starts for which the group has committed nothing. From latest, one that is added to the topic while the
   * pipeline runs is read from its beginning all the same. @defaultValue 'earliest'
   */
  readonly from?: 'earliest' | 'latest';
  /**
   * Whether outputs and dead letters say in headers which models answered for their record (`millrace-model`), what they were asked (`millrace-prompt`, of prompts that
   * `definePrompt` made), what that took (`millrace-usage`) and cost (`millrace-cost`). @defaultValue true
   */
  readonly modelHeaders?: boolean;
  /** Opened before the first record, closed after the last. */
  readonly resources?: R;
  /** Builds the stream. Called once per run, and again when the stream ended before it should. */
  readonly process: (source: Observable<Envelope<ValueOf<I>, KeyOf<I>>>, resources: OpenedResources<R>) => Observable<OutputEnvelope<O>>;
}

/** A checked pipeline: a value that starts nothing. */
export interface Pipeline<In = unknown, Out = unknown, K = string | null> {
  readonly name: string;
  readonly groupId: string;
  readonly inputs: Readonly<Record<string, Topic<In, K>>>;
  /** Of input topics, by the topics' names; 1 for what is not in it. */
  readonly weights: ReadonlyMap<string, number>;
  readonly outputs: Readonly<Record<string, Topic<Out, unknown>>>;
  /** Whether `output` was one topic: then envelopes need no route. */
  readonly singleOutput: string | undefined;
  readonly deadLetter: Topic<Uint8Array | null> | 'stop';
  readonly ordering: Ordering;
  readonly delivery: 'at-least-once' | 'exactly-once';
  readonly deadlineMs: number;
  /** For calls without a retry operator. */
  readonly retry: ResolvedRetry | 'none';
  /** In the order in which a record goes through them. */
  readonly retryTopics: readonly RetryTopic[];
  readonly from: 'earliest' | 'latest';
  readonly modelHeaders: boolean;
  readonly resources: Readonly<Record<string, Resource<unknown>>>;
  readonly process: (source: Observable<Envelope<In, K>>, resources: never) => Observable<Envelope<Out, unknown>>;
}

/** The resources of a pipeline that names none. */
type NoResources = Readonly<Record<string, never>>;

const names: OptionNames<PipelineSpec<Topics, Topics, NoResources>> = {
  name: true,
  groupId: true,
  input: true,
  weights: true,
  output: true,
  deadLetter: true,
  ordering: true,
  delivery: true,
  deadlineMs: true,
  retry: true,
  retryTopics: true,
  from: true,
  modelHeaders: true,
  resources: true,
  process: true,
};

/** Longest time from taking a record to the end of its last call: long enough for a slow model's retries, short enough to be noticed. */
const defaultDeadlineMs = 600_000;

/**
 * Checks a pipeline and fills in what it leaves out. The result starts nothing and can be started often.
 * @throws OptionError for a missing or contradictory field.
 */
export function definePipeline<
  const I extends Topics,
  const O extends Topics | undefined = undefined,
  const R extends Readonly<Record<string, Resource<unknown>>> = NoResources,
>(spec: PipelineSpec<I, O, R>): Pipeline<ValueOf<I>, ValueOf<O>, KeyOf<I>> {
  requireOptions('definePipeline', spec, names);
  const { name, groupId = name, ordering = 'key', deadlineMs = defaultDeadlineMs, from = 'earliest', deadLetter } = spec;
  const { delivery = 'at-least-once', modelHeaders = true } = spec;
  requireText('pipeline name', name);
  requireText('groupId', groupId);
  requireOneOf('ordering', ordering, ['none', 'key', 'partition']);
  requireOneOf('delivery', delivery, ['at-least-once', 'exactly-once']);
  requireOneOf('from', from, ['earliest', 'latest']);
  requireBoolean('modelHeaders', modelHeaders);
  requireNumber('deadlineMs', deadlineMs, 1);
  requireFunction(`process of pipeline ${name}`, spec.process, '(source, resources) => Observable');
  const inputs = named('input', spec.input);
  const outputs = spec.output === undefined ? {} : named('output', spec.output);
  const singleOutput = spec.output !== undefined && isTopic(spec.output) ? Object.keys(outputs)[0] : undefined;
  if (Object.keys(inputs).length === 0) throw new OptionError(`pipeline ${name} needs an input topic`);
  if (deadLetter !== 'stop' && !isTopic(deadLetter)) {
    throw new OptionError(`deadLetter of pipeline ${name} must be a topic, or 'stop' to end the pipeline at the first failure`);
  }
  if (delivery === 'exactly-once' && deadLetter !== 'stop' && !deadLetter.transactional) {
    throw new OptionError(
      `deadLetter of pipeline ${name} must be transactional with delivery 'exactly-once': a dead letter belongs to the transaction of its record`,
    );
  }
  const retryTopics = resolveRetryTopics(spec.retryTopics, groupId, ordering);
  const written = new Set([...Object.values(outputs).map((one) => one.name), ...(deadLetter === 'stop' ? [] : [deadLetter.name])]);
  const taken = retryTopics.find((one) => written.has(one.name) || Object.values(inputs).some((input) => input.name === one.name));
  if (taken)
    throw new OptionError(
      `pipeline ${name} uses topic ${taken.name} for records to try again, and for something else: set retryTopics.prefix`,
    );
  for (const input of Object.values(inputs)) {
    if (written.has(input.name)) throw new OptionError(`pipeline ${name} would read topic ${input.name}, which it writes: an endless loop`);
  }
  const resources = spec.resources === undefined ? {} : resourcesOf(name, spec.resources);
  const checked = {
    name,
    groupId,
    inputs,
    weights: weightsOf(inputs, spec.weights),
    outputs,
    singleOutput,
    deadLetter,
    ordering,
    delivery,
    deadlineMs,
    retry: resolveRetry(spec.retry),
    retryTopics,
    from,
    modelHeaders,
    resources,
    process: spec.process,
  };
  return checked as unknown as Pipeline<ValueOf<I>, ValueOf<O>, KeyOf<I>>; // what `O` says of values and routes was checked above, as types
}

function weightsOf(
  inputs: Readonly<Record<string, Topic<unknown, unknown>>>,
  given: Readonly<Record<string, number>> = {},
): ReadonlyMap<string, number> {
  requireOptions('weights', given, Object.fromEntries(Object.keys(inputs).map((name) => [name, true])) as OptionNames<typeof given>);
  return new Map(
    Object.entries(given).map(([name, weight]) => {
      requireNumber(`weights.${name}`, weight, 0);
      if (weight === 0) throw new OptionError(`weights.${name} must be above 0, got 0: nothing of it would ever be taken`);
      return [inputs[name]?.name ?? name, weight];
    }),
  );
}

function resourcesOf(pipeline: string, given: Readonly<Record<string, Resource<unknown>>>): Readonly<Record<string, Resource<unknown>>> {
  requireObject(`resources of pipeline ${pipeline}`, given);
  for (const [name, one] of Object.entries<unknown>(given))
    requireMethods(`resource ${name} of pipeline ${pipeline}`, one, ['open'], 'a resource such as llama({ … }), or { name, open }');
  return given;
}

const isTopic = (value: unknown): value is Topic<never, never> =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string' && 'value' in value && 'key' in value;

function named(field: string, given: Topics): Readonly<Record<string, Topic<unknown, unknown>>> {
  if (!isObject(given)) throw new OptionError(`${field} must be a topic, or topics under names`);
  if (isOneTopic(given)) return { [given.name]: given };
  for (const [name, one] of Object.entries<unknown>(given)) {
    if (!isTopic(one)) throw new OptionError(`${field}.${name} must be a topic: topic('name', codec)`);
  }
  return given;
}

const isOneTopic = (given: Topics): given is Topic<unknown, unknown> => isTopic(given);
