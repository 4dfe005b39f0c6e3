import type { Ordering } from '../../src/record/ordering.ts';
import type { FaultDeed } from '../../src/simulation/deed.ts';
import type { CallFault } from '../../src/simulation/fault-mix.ts';
import { type Random, randomFrom } from '../../src/simulation/random.ts';

/** One operator of a random pipeline; probabilities are per value. */
export type Stage =
  | { readonly kind: 'map'; readonly throws: number }
  | { readonly kind: 'keep'; readonly drops: number }
  | { readonly kind: 'drop'; readonly drops: number; readonly throws: number }
  | { readonly kind: 'split'; readonly most: number; readonly throws: number }
  | CallStage
  | {
      readonly kind: 'batch';
      readonly maxSize: number;
      readonly maxWaitMs: number;
      readonly concurrency: number;
      readonly order: 'completed' | 'input';
      readonly latencyMs: number;
      readonly errors: number;
      readonly wrongSize: number;
    }
  | { readonly kind: 'unguarded'; readonly throws: number }
  | { readonly kind: 'early'; readonly after: number }
  | { readonly kind: 'lossy'; readonly loses: number }
  | { readonly kind: 'linger'; readonly ms: number }
  | { readonly kind: 'route'; readonly unknown: number }
  | ModelStage;

/** A call of the scripted model, in whatever weather the run has. */
export interface ModelStage {
  readonly kind: 'model';
  readonly order: 'completed' | 'input';
  readonly concurrency: number;
  readonly timeoutMs: number | undefined;
  readonly attempts: number | undefined;
  readonly permits: number | undefined;
}

/** In which order the records that wait for a call start. */
export interface PlannedSchedule {
  readonly order: 'fifo' | 'shortest' | 'priority' | 'deadline';
  readonly preempt: boolean;
  readonly hasClasses: boolean;
  readonly heldBack: number;
  readonly tenants: number;
  readonly hasPrefix: boolean;
}

export interface CallStage {
  readonly kind: 'call';
  readonly order: 'completed' | 'input';
  readonly concurrency: number;
  readonly latencyMs: number;
  readonly timeoutMs: number | undefined;
  readonly attempts: number | undefined;
  readonly permits: number | undefined;
  readonly requestsPerMinute: number | undefined;
  readonly trouble: number;
  readonly hangs: boolean;
  /** Until then, of the run's time, some of its calls fail in a way that passes. */
  readonly downUntilMs?: number;
  /** @defaultValue first come, first served */
  readonly schedule?: PlannedSchedule;
}

export type PlannedDeed =
  | { readonly atMs: number; readonly do: 'feed'; readonly records: readonly PlannedRecord[] }
  | { readonly atMs: number; readonly do: 'skip'; readonly partition: number; readonly count: number }
  | FaultDeed;

export interface PlannedRecord {
  readonly partition: number;
  readonly key: string | null;
  readonly body: 'value' | 'poison' | 'tombstone' | 'undecodable';
  readonly padding: number;
  /** Compacted away before anybody reads. */
  readonly removed: boolean;
}

/** Everything about one run, made from a seed alone. */
export interface Plan {
  readonly seed: number;
  readonly partitions: number;
  /** Input topics with their weights. */
  readonly inputs: Readonly<Record<string, number>>;
  readonly ordering: Ordering;
  readonly delivery: 'at-least-once' | 'exactly-once';
  readonly routes: readonly string[];
  readonly stages: readonly Stage[];
  readonly deadlineMs: number;
  /** Waits in retry topics; none where there are no such topics. */
  readonly delaysMs: readonly number[];
  /** What befalls the calls of the model, beside storms. */
  readonly callFaults: readonly CallFault[];
  readonly options: {
    readonly maxRecordsInFlight?: number;
    readonly maxBytesInFlight?: number;
    readonly maxAboveWatermark?: number;
    readonly revokeDeadlineMs: number;
    readonly commitEveryRecords: number;
  };
  readonly maxFetchRecords: number;
  readonly deeds: readonly PlannedDeed[];
}

const faults = [
  'down',
  'send-lost',
  'send-written',
  'commit-lost',
  'commit-stored',
  'slow-acks',
  'slow-fetches',
  'expelled',
  'crashed',
  'paused',
  'joined',
  'joined',
  'left',
  'left-in-haste',
] as const;

type Faults = readonly [FaultDeed['do'], ...FaultDeed['do'][]];

const transactionFaults = ['transaction-lost', 'transaction-committed', 'slow-transactions', 'slow-markers'] as const;

export function makePlan(seed: number): Plan {
  const random = randomFrom(seed, 'plan');
  const delivery = randomFrom(seed, 'delivery').pick<Plan['delivery']>(['at-least-once', 'exactly-once']);
  const partitions = random.int(1, 6);
  const planned = Array.from({ length: random.int(1, 5) }, () => makeStage(random));
  const { stages, delaysMs, callFaults, storms } = withFailures(
    randomFrom(seed, 'failures'),
    withSchedules(randomFrom(seed, 'schedules'), planned),
  );
  const routes = random.chance(0.3) ? ['red', 'green', 'blue'] : ['out'];
  if (routes.length > 1) stages.push({ kind: 'route', unknown: random.pick([0, 0, 0.1]) });
  const needsDeadline = stages.some(
    (stage) =>
      stage.kind === 'lossy' ||
      (stage.kind === 'call' && stage.hangs && stage.timeoutMs === undefined) ||
      (stage.kind === 'model' && stage.timeoutMs === undefined),
  );
  return {
    seed,
    partitions,
    inputs: makeInputs(randomFrom(seed, 'inputs')),
    ordering: random.pick(['key', 'key', 'partition', 'none']),
    delivery,
    routes,
    stages,
    deadlineMs: needsDeadline ? 30_000 : 600_000,
    delaysMs,
    callFaults,
    options: {
      ...(random.chance(0.5) ? { maxRecordsInFlight: random.int(1, 50) } : {}),
      ...(random.chance(0.3) ? { maxBytesInFlight: random.int(100, 3_000) } : {}),
      ...(random.chance(0.3) ? { maxAboveWatermark: random.int(1, 30) } : {}),
      revokeDeadlineMs: random.pick([0, 150, 30_000, 30_000]),
      commitEveryRecords: random.pick([1, 5, 500]),
    },
    maxFetchRecords: random.pick([1, 3, 20, 1_000]),
    deeds: [...makeDeeds(random, partitions, delivery === 'exactly-once' ? [...faults, ...transactionFaults] : faults), ...storms].sort(
      (a, b) => a.atMs - b.atMs,
    ),
  };
}

const makeInputs = (random: Random): Plan['inputs'] =>
  random.chance(0.6) ? { in: 1 } : { in: random.int(1, 5), urgent: random.int(1, 5), ...(random.chance(0.3) ? { batch: 0.1 } : {}) };

/** Half of the calls that may start in any order do. */
const withSchedules = (random: Random, stages: readonly Stage[]): readonly Stage[] =>
  stages.map((stage): Stage => {
    if (stage.kind !== 'call' || stage.order === 'input' || random.chance(0.5)) return stage;
    const order = random.pick<PlannedSchedule['order']>(['fifo', 'shortest', 'priority', 'priority', 'deadline']);
    const schedule = {
      order,
      preempt: order === 'priority' && random.chance(0.7),
      hasClasses: random.chance(0.4),
      heldBack: random.int(0, Math.min(2, stage.concurrency - 1)),
      tenants: random.pick([0, 1, 3]),
      hasPrefix: random.chance(0.3),
    };
    return { ...stage, schedule };
  });

/** Some pipelines have retry topics, with calls that a later run may mend, and some ask a model that has its storms. */
function withFailures(random: Random, planned: readonly Stage[]) {
  const delaysMs = random.chance(0.25) ? Array.from({ length: random.int(1, 3) }, () => random.pick([1, 40, 300, 2_000])) : [];
  const stages = planned.map((stage): Stage => {
    const isDown = delaysMs.length > 0 && stage.kind === 'call' && random.chance(0.5);
    return isDown ? { ...stage, trouble: 0.3, downUntilMs: random.int(100, 3_000) } : stage;
  });
  if (!random.chance(0.12)) return { stages, delaysMs, callFaults: [], storms: [] };
  stages.splice(random.int(0, stages.length), 0, makeModel(random));
  const callFaults = (['calls-fail', 'calls-hang', 'calls-drip', 'bad-json'] as const).filter(() => random.chance(0.6));
  const storms = Array.from({ length: random.int(0, 3) }, (): FaultDeed => {
    const what = random.pick<'storm-429' | 'storm-5xx'>(['storm-429', 'storm-5xx']);
    return { atMs: random.int(0, 1_500), do: what, count: 1, ms: random.pick([20, 500, 4_000]), which: 0 };
  });
  return { stages, delaysMs, callFaults, storms };
}

function makeModel(random: Random): ModelStage {
  return {
    kind: 'model',
    order: random.pick(['completed', 'input']),
    concurrency: random.pick([1, 4, 32]),
    timeoutMs: random.chance(0.7) ? random.int(300, 800) : undefined,
    attempts: random.chance(0.6) ? random.int(1, 4) : undefined,
    permits: random.chance(0.3) ? random.int(1, 4) : undefined,
  };
}

function makeStage(random: Random): Stage {
  const rarely = (p: number): number => (random.chance(0.4) ? p : 0);
  const order = random.pick<'completed' | 'input'>(['completed', 'input']);
  switch (
    random.pick(['map', 'keep', 'drop', 'split', 'call', 'call', 'call', 'call', 'batch', 'batch', 'unguarded', 'early', 'lossy', 'linger'])
  ) {
    case 'map':
      return { kind: 'map', throws: rarely(0.1) };
    case 'keep':
      return { kind: 'keep', drops: random.pick([0, 0.2, 0.8]) };
    case 'drop':
      return { kind: 'drop', drops: random.pick([0, 0.2]), throws: rarely(0.1) };
    case 'split':
      return { kind: 'split', most: random.int(1, 4), throws: rarely(0.1) };
    case 'batch':
      return {
        kind: 'batch',
        order,
        maxSize: random.int(1, 8),
        maxWaitMs: random.int(0, 100),
        concurrency: random.int(1, 4),
        latencyMs: random.int(0, 100),
        errors: rarely(0.1),
        wrongSize: rarely(0.1),
      };
    case 'unguarded':
      return { kind: 'unguarded', throws: random.pick([0, 0.03, 0.1]) };
    case 'early':
      return { kind: 'early', after: random.int(1, 20) };
    case 'lossy':
      return { kind: 'lossy', loses: random.pick([0, 0.05]) };
    case 'linger':
      return { kind: 'linger', ms: random.int(0, 80) };
    default:
      return makeCall(random, order);
  }
}

function makeCall(random: Random, order: 'completed' | 'input'): CallStage {
  const maybe = <T>(p: number, value: T): T | undefined => (random.chance(p) ? value : undefined);
  return {
    kind: 'call',
    order,
    concurrency: random.pick([1, 2, 4, 32]),
    latencyMs: random.pick([0, 10, 100, 200]),
    timeoutMs: maybe(0.5, random.int(210, 400)),
    attempts: maybe(0.5, random.int(1, 4)),
    permits: maybe(0.3, random.int(1, 4)),
    requestsPerMinute: maybe(0.15, 600),
    trouble: random.pick([0, 0.05, 0.3]),
    hangs: random.chance(0.2),
  };
}

function makeDeeds(random: Random, partitions: number, kinds: Faults): readonly PlannedDeed[] {
  const hotKeys = random.int(0, 3);
  const makeRecord = (): PlannedRecord => ({
    partition: random.int(0, partitions - 1),
    key: random.chance(0.15)
      ? null
      : random.chance(0.6) && hotKeys > 0
        ? `hot${String(random.int(1, hotKeys))}`
        : `key${String(random.int(1, 50))}`,
    body: random.chance(0.94) ? 'value' : random.pick(['poison', 'tombstone', 'undecodable']),
    padding: random.chance(0.05) ? random.int(0, 2_000) : random.int(0, 40),
    removed: false,
  });
  const feed = (count: number, removed: number): readonly PlannedRecord[] =>
    Array.from({ length: count }, () => ({ ...makeRecord(), removed: random.chance(removed) }));
  const deeds: PlannedDeed[] = [{ atMs: 0, do: 'feed', records: feed(random.int(1, 60), random.pick([0, 0, 0.2])) }];
  for (let i = random.int(0, 3); i > 0; i -= 1) {
    const atMs = random.int(1, 6_000);
    if (random.chance(0.3)) deeds.push({ atMs, do: 'skip', partition: random.int(0, partitions - 1), count: random.int(1, 5) });
    deeds.push({ atMs, do: 'feed', records: feed(random.int(1, 25), 0) });
  }
  const troubles = random.chance(0.25) ? 0 : random.int(1, 8);
  for (let i = 0; i < troubles; i += 1) {
    const kind = random.pick(kinds);
    const atMs = random.chance(0.7) ? random.int(0, 1_500) : random.int(0, 10_000);
    deeds.push({ atMs, do: kind, count: random.int(1, 4), ms: random.pick([0, 20, 500, 4_000]), which: random.int(0, 3) });
  }
  return deeds.sort((a, b) => a.atMs - b.atMs);
}
