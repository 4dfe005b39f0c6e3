import { availableParallelism } from 'node:os';
import type { Observable } from 'rxjs';
import type { ShareOptions } from './shares.state.ts';
import {
  type CallContext,
  type Clock,
  isStreamError,
  journal,
  type Journal,
  type Log,
  type Model,
  OptionError,
  type Permits,
  requireInteger,
  requireNumber,
  requireOneOf,
  type Resource,
  silentLog,
  systemClock,
  type TokenBudget,
  type Transport,
} from 'millrace';

/** What a task is worked on with. */
export interface Work {
  /** Of this attempt's record: deadline, request id, tenant, trace; `ctx.signal` is aborted when nobody waits any more. */
  readonly ctx: CallContext;
  /** @throws OptionError where the engine was given none. */
  readonly model: Model;
}

/** Works on one task: a cold call with one value; of several the last counts. An async function goes in `call(() => …)`. */
export type Run<In, Out> = (input: In, work: Work) => Observable<Out>;

/** Works on several tasks in one call: one result for each, in their order; an Error fails its task alone. */
export type RunBatch<In, Out> = (inputs: readonly In[], work: Work) => Observable<readonly (Out | Error)[]>;

export interface EngineOptions<In> {
  /**
   * What `work.model` is: a name as `millrace` commands know it (`smollm2`, a path, a URL), a resource, which is opened with the first task and closed by `close`, or an open model.
   * @defaultValue none
   */
  readonly model?: string | Resource<Model> | Model;
  /** For a model by name that runs in this process. @defaultValue 'auto' */
  readonly gpu?: 'auto' | 'cuda' | 'vulkan' | 'metal' | false;
  /**
   * What is cut off a prompt of `definePrompt` that is too long for the model: the end of its data or the beginning, as far as a tenth of it stays; false: it fails. Needs a `model`; results say `truncated-tail` or `truncated-head`
   * in `degraded`. @defaultValue 'tail'
   */
  readonly shorten?: 'tail' | 'head' | false;
  /** Most calls at once, or with `runBatch` most batches; 1 to 4,096. @defaultValue the cores of the machine, and at least 4 */
  readonly maxWorkers?: number;
  /**
   * With `runBatch`: most tasks in one call. With `run`: how many tasks each worker keeps at the model, for one that computes calls together. 1 to 4,096.
   * @defaultValue 8 with `runBatch`, else 1
   */
  readonly batchSize?: number;
  /** With `runBatch`: how long a task waits for company while a call could begin, in ms; at least 0. @defaultValue 5 */
  readonly maxQueueDelayMs?: number;
  /** The length of a task: tokens, characters. With `runBatch` tasks of like length share a call; `'shortest'` goes by it. @defaultValue characters / 4 of texts, else 1 */
  readonly lengthOf?: (input: In) => number;
  /** Who goes next among tasks that wait: who came first, the shortest, the most urgent (an urgent one takes the place of a less urgent call that has not answered). @defaultValue 'priority' */
  readonly schedule?: 'fifo' | 'shortest' | 'priority' | 'deadline';
  /** With 'priority': whether an urgent task takes a running one's place. @defaultValue true with `run`, false with `runBatch` */
  readonly preempt?: boolean;
  /** Weights of shares (see `submit`), and most of `memory` that each may hold; adjusted by `setShare`. @defaultValue weight 1, all of the memory */
  readonly shares?: Readonly<Record<string, number | ShareOptions>>;
  /** What tasks may hold of the model's memory at once, over all shares, in what `memoryOf` counts: of a cache of 16,384 tokens, 16,384. @defaultValue it is not counted */
  readonly memory?: number;
  /** What a task holds of it while it is under way: tokens of prompt and answer, megabytes of a batch. @defaultValue `lengthOf` */
  readonly memoryOf?: (input: In) => number;
  /** Longest time of one attempt, in ms. @defaultValue 30,000 */
  readonly timeoutMs?: number;
  /** Most attempts; overloads are none. Between them 1 s, 2 s, 4 s …, at random up to that. @defaultValue 2 */
  readonly attempts?: number;
  /** Most attempts that begin a second, as a token bucket of as many; above 0. @defaultValue 10,000: a brake for loops gone wild, not for a server */
  readonly ratePerSecond?: number;
  /** Tokens or money per time; needs a model, and inputs that are prompts. @defaultValue no limit but the rate */
  readonly budget?: TokenBudget;
  /** Calls at once as these say, below `maxWorkers`: `adaptiveLimit()` finds out. @defaultValue none */
  readonly permits?: Permits;
  /** Failures in a row, of the service and not of a task, at which calls wait until a probe goes well; false: they never do. @defaultValue 5 */
  readonly breakerFailures?: number | false;
  /** What stands in when all attempts have failed; its results are marked `fallback`. @defaultValue nothing */
  readonly fallback?: (input: In, work: Work) => Observable<unknown>;
  /**
   * A folder for finished results, or a journal as a resource: what is in it is not done again, by this run or a later one, in batches neither. Inputs and results must survive JSON.
   * @defaultValue none
   */
  readonly journal?: string | Resource<Journal>;
  /** What a result depends on beside its input: the task, the model, a version of your code. Needed with `journal`. */
  readonly journalKey?: string;
  /** Most tasks taken and not ended, over all submissions; 1 to 100,000. @defaultValue 8,192 */
  readonly maxInFlight?: number;
  /** Of one submission: most results that nobody has read, running tasks included; from then on nothing more is taken of it. @defaultValue 8,192 */
  readonly maxUnread?: number;
  /** Bytes of inputs in flight over all submissions, and unread of one of them; passed by one task at most. @defaultValue 67,108,864 (64 MiB) */
  readonly maxBytesInFlight?: number;
  /** Bytes of an input. @defaultValue of texts twice their length, of bytes theirs, else 0 */
  readonly sizeOf?: (input: In) => number;
  /**
   * Where the numbers of tasks go through: Kafka, say, which stays yours to close. Tasks themselves stay in this process, whoever reads the topic sees numbers and contexts. Several engines may share the topics.
   * @defaultValue a broker of its own in memory
   */
  readonly transport?: Transport;
  /** Before the names of the topics, `parallel.tasks` and `parallel.failed`. @defaultValue none */
  readonly topicPrefix?: string;
  /** @defaultValue none: failures are results */
  readonly log?: Log;
  /** @defaultValue the system clock */
  readonly clock?: Clock;
}

const known = {
  ...{ memory: true, memoryOf: true, shorten: true, transport: true, topicPrefix: true },
  ...{ model: true, gpu: true, maxWorkers: true, batchSize: true, maxQueueDelayMs: true, lengthOf: true, schedule: true, preempt: true },
  ...{ shares: true, timeoutMs: true, attempts: true, ratePerSecond: true, budget: true, permits: true, breakerFailures: true },
  ...{ fallback: true, journal: true, journalKey: true, maxInFlight: true, maxUnread: true, maxBytesInFlight: true, sizeOf: true },
  ...{ log: true, clock: true, run: true, runBatch: true },
} as const satisfies Record<keyof EngineOptions<unknown> | 'run' | 'runBatch', true>;

/** All of them present, and checked. */
export interface ResolvedOptions<In, Out>
  extends Required<
    Omit<EngineOptions<In>, 'model' | 'gpu' | 'budget' | 'permits' | 'fallback' | 'journal' | 'journalKey' | 'shares' | 'transport'>
  > {
  readonly work: { readonly run: Run<In, Out> } | { readonly runBatch: RunBatch<In, Out> };
  readonly model: EngineOptions<In>['model'];
  readonly gpu: NonNullable<EngineOptions<In>['gpu']>;
  readonly shares: Readonly<Record<string, ShareOptions>>;
  readonly transport: Transport | undefined;
  readonly budget: TokenBudget | undefined;
  readonly permits: Permits | undefined;
  readonly fallback: Run<In, Out> | undefined;
  readonly journal: { readonly kept: Resource<Journal>; readonly key: string } | undefined;
}

const mostAtOnce = 4_096;

/** @throws OptionError for an option that is unknown, outside its range or without its partner. */
export function resolveOptions<In, Out>(given: EngineOptions<In>, work: ResolvedOptions<In, Out>['work']): ResolvedOptions<In, Out> {
  const unknown = Object.keys(given).find((name) => !(name in known));
  if (unknown !== undefined) throw new OptionError(`parallel has no option ${unknown}: it has ${Object.keys(known).join(', ')}`);
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as EngineOptions<In>;
  const isBatch = 'runBatch' in work;
  const options = {
    ...{ maxWorkers: Math.max(4, availableParallelism()), batchSize: isBatch ? 8 : 1, maxQueueDelayMs: 5, schedule: 'priority' as const },
    ...{ preempt: !isBatch && (set.schedule ?? 'priority') === 'priority', shares: {}, timeoutMs: 30_000, attempts: 2 },
    ...{ ratePerSecond: 10_000, breakerFailures: 5, maxInFlight: 8_192, maxUnread: 8_192, maxBytesInFlight: 64 * 2 ** 20 },
    ...{ lengthOf: lengthOfAny, sizeOf: sizeOfAny, log: silentLog, clock: systemClock, gpu: 'auto' as const },
    ...{
      model: undefined,
      budget: undefined,
      permits: undefined,
      memory: Infinity,
      transport: undefined,
      shorten: 'tail' as const,
      topicPrefix: '',
      memoryOf: set.lengthOf ?? lengthOfAny,
    },
    ...set,
  };
  requireInteger('parallel.maxWorkers', options.maxWorkers, 1, mostAtOnce);
  requireInteger('parallel.batchSize', options.batchSize, 1, mostAtOnce);
  requireNumber('parallel.maxQueueDelayMs', options.maxQueueDelayMs, 0);
  requireOneOf('parallel.schedule', options.schedule, ['fifo', 'shortest', 'priority', 'deadline']);
  if (options.shorten !== false) requireOneOf('parallel.shorten', options.shorten, ['tail', 'head']);
  if (!/^[\w.-]{0,200}$/.test(options.topicPrefix))
    throw new OptionError(
      `parallel.topicPrefix must be up to 200 letters, digits, '.', '_' or '-', got ${JSON.stringify(options.topicPrefix)}`,
    );
  requireNumber('parallel.timeoutMs', options.timeoutMs, 1);
  requireInteger('parallel.attempts', options.attempts, 1);
  requireNumber('parallel.ratePerSecond', options.ratePerSecond, 1e-6, 1e6);
  if (options.breakerFailures !== false) requireInteger('parallel.breakerFailures', options.breakerFailures, 1);
  requireInteger('parallel.maxInFlight', options.maxInFlight, 1, 100_000);
  requireInteger('parallel.maxUnread', options.maxUnread, 1);
  requireInteger('parallel.maxBytesInFlight', options.maxBytesInFlight, 1);
  if (set.memory !== undefined) requireNumber('parallel.memory', set.memory, 1e-9);
  const shares = Object.fromEntries(Object.entries(options.shares).map(([name, one]) => [name, requireShare(name, one, options.memory)]));
  if (set.preempt === true && options.schedule !== 'priority')
    throw new OptionError(`parallel.preempt needs schedule 'priority', got '${options.schedule}'`);
  if (set.budget !== undefined && set.model === undefined)
    throw new OptionError('parallel.budget needs model, which says how many tokens an input has, got none');
  if (set.fallback !== undefined && isBatch) throw new OptionError('parallel.fallback is for run: in runBatch return what stands in');
  if (set.journal !== undefined && set.journalKey === undefined)
    throw new OptionError(
      'parallel.journal needs journalKey: what a result depends on beside its input, so that another task or model asks anew',
    );
  const { journal: given_, journalKey: key = '' } = set;
  const kept = typeof given_ === 'string' ? journal({ dir: given_ }) : given_;
  return { ...options, shares, work, journal: kept && { kept, key }, fallback: set.fallback as Run<In, Out> | undefined };
}

/** @throws OptionError for a weight that is not above 0, and a part of the memory where there is none. */
export function requireShare(share: string, given: number | ShareOptions, whole: number): ShareOptions {
  const options = typeof given === 'number' ? { weight: given } : given;
  const unknown = Object.keys(options).find((name) => name !== 'weight' && name !== 'memory');
  if (unknown !== undefined) throw new OptionError(`the share ${share} has no option ${unknown}: it has weight, memory`);
  const { weight = 1, memory = 1 } = options;
  requireNumber(`the weight of share ${share}`, weight, 0, 1e6);
  if (weight === 0) throw new OptionError(`the weight of share ${share} must be above 0, got 0: nothing of it would ever run`);
  requireNumber(`the memory of share ${share}`, memory, 1e-9, 1);
  if (options.memory !== undefined && whole === Infinity)
    throw new OptionError(`the memory of share ${share} is a part of parallel({ memory }), got none: say how much there is`);
  return options;
}

const lengthOfAny = (input: unknown): number => (typeof input === 'string' ? Math.ceil(input.length / 4) : 1);

const sizeOfAny = (input: unknown): number =>
  typeof input === 'string' ? 2 * input.length : ArrayBuffer.isView(input) ? input.byteLength : 0;

/** Failures that tell of a service. What the code of a step throws tells of its task, and must not make the others wait. */
export const tellsOfService = (error: unknown): boolean => isStreamError(error) && error.retryable && error.code !== 'call_failed';
