import type { Owned } from '../flow/owned.ts';
import type { WatchedPolicy } from '../policies/policy-state.ts';
import type { Line } from './assemble.ts';
import { withoutSecrets } from '../without-secrets.ts';
import { formatPartition } from '../record/record.ts';
import { quantile, type Stats, type StatsSnapshot } from './stats.ts';
import { policyStates } from './watched-policies.ts';

export interface SnapshotParts {
  readonly stats: Stats;
  /** Undefined while the pipeline starts. */
  readonly line: Pick<Line, 'source' | 'delivery'> | undefined;
  readonly policies: ReadonlyMap<string, WatchedPolicy>;
  readonly nowMs: number;
}

/** What a pipeline has done and is doing, copied. */
export function snapshotOf({ stats, line, policies, nowMs }: SnapshotParts): StatsSnapshot {
  const { counts, retriedLater, failedAttempts, aborted, restarts, completedBefore, latencies, troubles } = stats;
  const { working, handed, begun, waitedMs } = stats.stages;
  const source = line?.source;
  const partitions = source?.partitions ?? [];
  return {
    done: counts.done,
    failed: counts.failed,
    dropped: counts.dropped,
    retriedLater,
    givenBack: counts['given-back'],
    failuresByCode: { ...stats.failuresByCode },
    droppedByReason: Object.fromEntries(stats.droppedByReason),
    failedAttempts,
    aborted,
    restarts,
    recordsInFlight: source?.window.records ?? 0,
    bytesInFlight: source?.window.bytes ?? 0,
    bytesAhead: source?.aheadBytes ?? 0,
    bytesOutgoing: line?.delivery.bytes ?? 0,
    transactions: { ...stats.transactions },
    partitions: partitions.length,
    commits: stats.commits,
    rebalances: stats.rebalances,
    stages: { waiting: Math.max(0, (source?.window.records ?? 0) - working - handed), working, handed },
    firstCalls: { count: begun, waitedMs },
    tokens: { ...stats.tokens },
    watermarkAgeMs: partitions.reduce((most, one) => Math.max(most, ageOf(one, nowMs)), 0),
    lag: partitions.reduce((sum, one) => sum + one.lag, 0n),
    settledBeyond: partitions.reduce((sum, one) => sum + one.tracker.settledBeyond, 0),
    completedBefore,
    contextIgnored: stats.contextIgnored,
    mapShare: partitions.reduce((most, { mapShare }) => Math.max(most, mapShare), 0),
    intakeShare: source?.window.share ?? 1,
    pausedBy: source?.closedBy === undefined ? undefined : withoutSecrets(source.closedBy),
    reconnecting: stats.reconnecting,
    stalled: stats.stalled,
    holds: (source?.window.holds(nowMs) ?? []).map((hold) => ({ ...hold, reason: withoutSecrets(hold.reason) })),
    policies: policyStates(policies, nowMs),
    waits: [...stats.waits].map(([reason, calls]) => ({ reason: withoutSecrets(reason), calls })),
    unreadable: partitions.flatMap((one) =>
      one.unreadableSinceMs === undefined ? [] : [{ partition: formatPartition(one), forMs: nowMs - one.unreadableSinceMs }],
    ),
    troubles,
    latencyMs: { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) },
  };
}

/** Since when its watermark waits for a record. */
function ageOf({ tracker }: Owned, nowMs: number): number {
  const oldest = tracker.firstOpen;
  return oldest === undefined || oldest.over ? 0 : nowMs - oldest.takenMs;
}
