import { type OptionNames, requireBoolean, requireFunction, requireMethods, requireOptions } from '../check-options.ts';
import { type Clock, systemClock } from '../clock.ts';
import { requireInteger, requireOneOf, requireText } from '../errors.ts';
import type { Transport } from '../transport/transport.ts';
import { createLogger, type Log } from './logging.ts';
import { logWithoutSecrets } from './log-without-secrets.ts';
import { type MemoryGuardOptions, memoryLimits } from './memory-guard.ts';
import type { MemoryKinds, MemoryLimit } from './memory-guard.state.ts';

/** How a pipeline is run; everything but `transport` has a default. */
export interface StartOptions {
  /** Where the topics are: `memory()` or `kafka({ brokers })`. It is not closed by the pipeline. */
  readonly transport: Transport;
  /** Create topics that are missing (outputs, dead letters and retry topics too), with the broker's number of partitions. @defaultValue false */
  readonly createTopics?: boolean;
  /** Most bytes of records in flight. @defaultValue 64 MiB */
  readonly maxBytesInFlight?: number;
  /** Most records in flight. @defaultValue 10,000 */
  readonly maxRecordsInFlight?: number;
  /**
   * Most records of one partition above its watermark, in flight or settled: what a crash could do again. Behind a record that
   * does not end, the partition stops at this number. @defaultValue 20,000
   */
  readonly maxAboveWatermark?: number;
  /**
   * What to do when the group has stored something beside an offset that is not a map of completed records, as another program
   * may have: `fail`, or `ignore` it, which runs what was completed above that offset again. @defaultValue 'fail'
   */
  readonly unreadableMetadata?: 'fail' | 'ignore';
  /** Longest time between settling a record and committing it, in ms. @defaultValue 200 */
  readonly commitIntervalMs?: number;
  /** A commit leaves earlier after this many settled records. @defaultValue 500 */
  readonly commitEveryRecords?: number;
  /**
   * How long a start waits for a log that is away: it asks again, and says so at once, until the log is there. What no waiting mends
   * (a refused login, a topic that there is not) fails at once. 0: a log that is away does, too. @defaultValue 120,000
   */
  readonly startPatienceMs?: number;
  /** How long `drain` (and a signal) waits for what is in flight, in ms. @defaultValue 30,000 */
  readonly drainDeadlineMs?: number;
  /** How long a partition that moves to another member waits for what is in flight, in ms. @defaultValue 30,000 */
  readonly revokeDeadlineMs?: number;
  /**
   * A name that this process keeps over restarts, unique among those that run this pipeline together (a pod's of a StatefulSet,
   * say). A start does not wait for the session of a predecessor of the same name to end, and one that still lives fails with
   * `fenced`. Without one that holds for predecessors on this machine, and in this container, whose process is gone. False: it
   * waits, and the client id is the same for every process, as quotas by client id want it. @defaultValue none
   */
  readonly instance?: string | false;
  /**
   * When memory runs short: above a soft limit caches are dropped and a collection is asked for (with `--expose-gc`), then less is
   * taken; above the hard limit nothing is, until it falls. False: nothing is looked at, as with a clock other than the system's.
   * @defaultValue limits from the machine or the cgroup
   */
  readonly memory?: MemoryGuardOptions | false;
  /** Told whenever that changes: what does not work at present, also before `start` resolves. @defaultValue nobody */
  readonly onTroubles?: (troubles: readonly string[]) => void;
  /**
   * Aborted before `start` has resolved: the start is given up, what it opened is closed (what does not end within 3 s, when it does),
   * and it rejects with the signal's reason. It means nothing later: then there is `drain`. @defaultValue none
   */
  readonly signal?: AbortSignal;
  /**
   * SIGINT and SIGTERM drain; a second one ends the process at once. While it starts, one gives the start up, and ends the process
   * (130, 143) when what was opened is closed. If records had to be given back at the deadline, the process
   * ends 100 ms after the drain (130, 143), as their calls may hang. A pipeline that fails gives the process the exit code 1,
   * unless it has another. And what a call throws where nobody awaits it (a forgotten promise, a timer) fails its record, on Node 24 and
   * later, instead of ending the process. @defaultValue true
   */
  readonly signals?: boolean;
  /** @defaultValue structured lines on stderr at level `info` */
  readonly log?: Log;
  /** @defaultValue the system clock */
  readonly clock?: Clock;
  /** Chance, for the jitter of waits before retries: from 0 up to 1. @defaultValue Math.random */
  readonly random?: () => number;
}

export type ResolvedStartOptions = Required<Omit<StartOptions, 'instance' | 'signal' | 'memory'>> &
  Pick<StartOptions, 'instance' | 'signal'> & { readonly memory: MemoryKinds<MemoryLimit> | false };

/** Why these: see DESIGN.md, "Demand stops at the source" and "Delivery". */
const defaults = {
  createTopics: false,
  maxBytesInFlight: 64 * 1024 * 1024,
  maxRecordsInFlight: 10_000,
  maxAboveWatermark: 20_000,
  unreadableMetadata: 'fail',
  commitIntervalMs: 200,
  commitEveryRecords: 500,
  startPatienceMs: 120_000, // a broker takes a minute to come back with a long log
  drainDeadlineMs: 30_000,
  revokeDeadlineMs: 30_000,
  signals: true,
  onTroubles: () => undefined,
} as const;

/** The least of each number; there is no most. */
export const leastOf = {
  maxBytesInFlight: 1,
  maxRecordsInFlight: 1,
  maxAboveWatermark: 1,
  commitIntervalMs: 1,
  commitEveryRecords: 1,
  startPatienceMs: 0,
  drainDeadlineMs: 0,
  revokeDeadlineMs: 0,
} as const satisfies Partial<Record<keyof StartOptions, number>>;

/** What may be done about metadata that is not ours. */
export const unreadableMetadataChoices = ['fail', 'ignore'] as const;

const names: OptionNames<StartOptions> = {
  transport: true,
  createTopics: true,
  maxBytesInFlight: true,
  maxRecordsInFlight: true,
  maxAboveWatermark: true,
  unreadableMetadata: true,
  commitIntervalMs: true,
  commitEveryRecords: true,
  startPatienceMs: true,
  drainDeadlineMs: true,
  revokeDeadlineMs: true,
  instance: true,
  memory: true,
  onTroubles: true,
  signal: true,
  signals: true,
  log: true,
  clock: true,
  random: true,
};

/** @throws OptionError for a value outside its range. */
export function resolveStartOptions(given: StartOptions): ResolvedStartOptions {
  requireOptions('start', given, names);
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as unknown as StartOptions;
  const options = { ...defaults, clock: systemClock, random: Math.random, log: set.log ?? createLogger(), ...set };
  requireMethods('transport', options.transport, ['consume', 'produce', 'describeTopics'], 'memory() or kafka({ brokers })');
  requireMethods('log', options.log, ['debug', 'info', 'warn', 'error'], 'a logger such as createLogger()');
  requireMethods('clock', options.clock, ['nowMs', 'schedule'], 'a clock such as systemClock');
  requireFunction('onTroubles', options.onTroubles, '(troubles) => void');
  requireFunction('random', options.random, '() => number');
  requireBoolean('createTopics', options.createTopics);
  requireBoolean('signals', options.signals);
  if (options.signal !== undefined) requireMethods('signal', options.signal, ['addEventListener', 'throwIfAborted'], 'an AbortSignal');
  requireOneOf('unreadableMetadata', options.unreadableMetadata, unreadableMetadataChoices);
  for (const name of Object.keys(leastOf) as (keyof typeof leastOf)[]) requireInteger(name, options[name], leastOf[name]);
  if (options.instance !== undefined && options.instance !== false) requireText('instance', options.instance);
  const { memory = options.clock === systemClock ? {} : false } = set; // in virtual time the machine's memory decides nothing
  return { ...options, log: logWithoutSecrets(options.log), memory: memory === false ? false : memoryLimits(memory) };
}
