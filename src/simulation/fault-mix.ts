import { type ErrorCode, type Grade, gradeOf, requireOneOf } from '../errors.ts';
import type { Deed, FaultDeed, FedRecord } from './deed.ts';
import type { BrokerFault, FaultName, MemberFault, ModelFault, RegistryFault } from './history.ts';
import type { Random } from './random.ts';

/** What happens to single calls of a scripted model that is given its weather. */
export type CallFault =
  /** Some are refused with 429 or fail with 500, some find the model's process dead, or lose the rest of their answer. */
  | 'calls-fail'
  /** Some never answer. */
  | 'calls-hang'
  /** Some answer very slowly. */
  | 'calls-drip'
  /** Some answers lose their last third, and claim to be whole. */
  | 'bad-json';

/** What the log is like. */
export type LogFault =
  /** Offsets without records, as transactions and compaction leave them. */
  | 'gaps'
  /** Ranges of offsets whose bytes cannot be read. */
  | 'undecodable';

/** What a simulation may do to a pipeline. */
export type SimulatedFault = Exclude<MemberFault, 'moved-in-haste'> | BrokerFault | ModelFault | RegistryFault | CallFault | LogFault;

const members = ['joined', 'left', 'left-in-haste', 'crashed', 'expelled', 'paused'] as const;
const brokers = ['down', 'send-lost', 'send-written', 'commit-lost', 'commit-stored', 'slow-acks', 'slow-fetches'] as const;
/** They befall exactly-once pipelines alone. */
const transactions = ['transaction-lost', 'transaction-committed', 'slow-transactions', 'slow-markers'] as const;
const storms = ['storm-429', 'storm-5xx'] as const;
/** They befall simulations that are given registries. */
const registries = ['registry-down'] as const;
const calls = ['calls-fail', 'calls-hang', 'calls-drip', 'bad-json'] as const;
const logs = ['gaps', 'undecodable'] as const;

/** Everything a simulation knows to do. */
export const allFaults = [
  ...members,
  ...brokers,
  ...transactions,
  ...storms,
  ...registries,
  ...calls,
  ...logs,
] as const satisfies readonly SimulatedFault[];

/** Those of them that happen at a time, and not to calls or logs. */
type TimedFault = Exclude<FaultName, 'moved-in-haste'>;
const timed: readonly TimedFault[] = [...members, ...brokers, ...transactions, ...storms, ...registries];

/** @throws OptionError for a fault that there is not. */
export function requireFaults(faults: readonly SimulatedFault[]): ReadonlySet<SimulatedFault> {
  for (const fault of faults) requireOneOf('faults', fault, allFaults);
  return new Set(faults);
}

/** Codes with which a record may fail because a model did: what is worth another try, or was out of time. */
export function codesOfModelFaults(mix: ReadonlySet<SimulatedFault>): readonly string[] {
  if (![...storms, ...calls].some((fault) => mix.has(fault))) return [];
  const passing: ReadonlySet<Grade> = new Set<Grade>(['transient', 'overload']);
  const codes = (Object.keys(gradeOf) as readonly ErrorCode[]).filter((code) => passing.has(gradeOf[code]));
  return [...codes, 'deadline_exceeded', ...(mix.has('bad-json') ? ['answer_invalid', 'answer_truncated'] : [])];
}

/** When records come: most at once, the rest while the first are under way. */
export function feedDeeds(random: Random, records: readonly FedRecord[]): readonly Deed[] {
  const deeds: Deed[] = [];
  let at = 0;
  for (let atMs = 0; at < records.length; atMs += random.int(1, 800)) {
    const count = atMs === 0 ? Math.ceil(records.length * 0.6) : random.int(1, 10);
    deeds.push({ atMs, do: 'feed', records: records.slice(at, at + count) });
    at += count;
  }
  return deeds;
}

/** Gaps in the logs, between what is fed. */
export function gapDeeds(random: Random, inputs: readonly string[], partitions: number): readonly Deed[] {
  return Array.from({ length: random.int(0, 3) }, () => ({
    atMs: random.int(1, 1_000),
    do: 'skip' as const,
    topic: inputs[random.int(0, inputs.length - 1)] ?? '',
    partition: random.int(0, partitions - 1),
    count: random.int(1, 5),
  }));
}

/** One to six faults of the mix, at any time while there is work. */
export function faultDeeds(
  random: Random,
  mix: ReadonlySet<SimulatedFault>,
  { busyMs, isExact, hasRegistries }: { readonly busyMs: number; readonly isExact: boolean; readonly hasRegistries: boolean },
): readonly FaultDeed[] {
  const idle: ReadonlySet<string> = new Set([...(isExact ? [] : transactions), ...(hasRegistries ? [] : registries)]);
  const [first, ...more] = timed.filter((name) => mix.has(name) && !idle.has(name));
  if (first === undefined) return [];
  return Array.from({ length: random.int(1, 6) }, () => ({
    atMs: random.int(0, Math.ceil(busyMs)),
    do: random.pick([first, ...more]),
    count: random.int(1, 4),
    ms: random.pick([0, 20, 500, 4_000]),
    which: random.int(0, 3),
  }));
}
