import { codeOf } from '../classify.ts';
import type { ErrorCode } from '../errors.ts';
import { positionOf, type Taken } from '../flow/owned.ts';
import { Stages } from './stages.ts';
import type { PolicyState } from '../policies/policy-state.ts';
import { notBegun, type Verdict } from '../record/outcome.ts';
import { formatPartition, formatPosition } from '../record/record.ts';
import { withoutSecrets } from '../without-secrets.ts';
import type { Assignment, OwnedPartition } from '../transport/transport.ts';

/** What a pipeline has done and is doing. Counters count from the start of the run. */
export interface StatsSnapshot {
  readonly done: number;
  readonly failed: number;
  readonly dropped: number;
  /** Records that were put into a retry topic: they run again later, and end then. */
  readonly retriedLater: number;
  /** Records that are delivered again, to this member or another. */
  readonly givenBack: number;
  /** Of these, the ones whose work had begun: it was aborted, and is done again. The others only waited for their first call. */
  readonly aborted: number;
  readonly failuresByCode: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly droppedByReason: Readonly<Record<string, number>>;
  /** Calls that ran for records that failed in the end. */
  readonly failedAttempts: number;
  /** How often the stream ended before it should and was built anew. */
  readonly restarts: number;
  readonly recordsInFlight: number;
  readonly bytesInFlight: number;
  /** Fetched and not taken yet, in bytes. */
  readonly bytesAhead: number;
  /** Waiting for the broker on the way out, or for their transaction, in bytes. */
  readonly bytesOutgoing: number;
  /** With exactly-once: transactions that were committed, and those that were not and were written again. */
  readonly transactions: { readonly committed: number; readonly aborted: number };
  readonly partitions: number;
  /** Times that offsets were stored. */
  readonly commits: number;
  /** Times that partitions came or went. */
  readonly rebalances: number;
  /** Records in flight by where they stand: before their first call, after it, and with the sink. */
  readonly stages: { readonly waiting: number; readonly working: number; readonly handed: number };
  /** Records for which a call was begun, and how long they had waited for it since they were taken, in ms, all together. */
  readonly firstCalls: { readonly count: number; readonly waitedMs: number };
  /** Tokens that models have used, also for calls that failed, were cut off or aborted: as they tell, else by estimate of what was received. */
  readonly tokens: { readonly input: number; readonly cached: number; readonly output: number };
  /** How long the oldest record that is not settled has been in flight, in ms, over all partitions; 0 for none. */
  readonly watermarkAgeMs: number;
  /** Records written and not settled, over all partitions owned, as far as known. */
  readonly lag: bigint;
  /** Settled above a watermark: done again after a crash only where no commit has stored it yet. */
  readonly settledBeyond: number;
  /** Headers of a context (deadline, request id, …) that were malformed, and left out. */
  readonly contextIgnored: number;
  /** Records that were not run because an earlier run, or another member, had completed them. */
  readonly completedBefore: number;
  /** How much of a commit's metadata the fullest map of completed records takes, 0 to 1; above 0.75 its partition takes nothing more. */
  readonly mapShare: number;
  /** Of the caps on what is in flight, how much is used at present: less than 1 while memory is short. */
  readonly intakeShare: number;
  /** Why nothing is taken at present. */
  readonly pausedBy: string | undefined;
  /** The broker is away, and is tried again: nothing comes, and nothing is committed. `troubles` says why. */
  readonly reconnecting: boolean;
  /** Why nothing will move until something is changed; `troubles` says it, too. */
  readonly stalled: string | undefined;
  readonly holds: readonly { readonly reason: string; readonly untilMs: number }[];
  /** The policies among the pipeline's resources, by their names there. */
  readonly policies: readonly PolicyState[];
  /** Calls that wait for a policy, by its reason: the time of their records stands still. */
  readonly waits: readonly { readonly reason: string; readonly calls: number }[];
  /** Partitions, as `topic/partition`, whose next record waits for what its codec needs to read it, and for how long. */
  readonly unreadable: readonly { readonly partition: string; readonly forMs: number }[];
  /** What does not work at present. */
  readonly troubles: readonly string[];
  /** From taking a record to settling it, in ms, of the last 1,000 records. */
  readonly latencyMs: { readonly p50: number; readonly p99: number };
}

/** Who is told of troubles. */
export interface TroubleListener {
  /** One begins, is another than before, or (undefined) is over; time that passes in it is no change. */
  readonly trouble: (where: string, why: string | undefined) => void;
  /** How all of them read now. */
  readonly changed: (troubles: readonly string[]) => void;
}

interface Trouble {
  readonly why: string;
  readonly leftMs: number | undefined;
  readonly beside: string | undefined;
}

const inWords = ({ why, leftMs, beside }: Trouble): string =>
  [
    leftMs === undefined ? why : `${why}, at most ${String(Math.ceil(leftMs / 1_000))} s more`,
    ...(beside === undefined ? [] : [beside]),
  ].join('; ');

const keptLatencies = 1_000;
const keptReasons = 100;

/** Counts what happens. Holds a fixed number of counters and the last 1,000 latencies. */
export class Stats {
  readonly counts = { done: 0, failed: 0, dropped: 0, 'given-back': 0 };
  readonly transactions = { committed: 0, aborted: 0 };
  readonly failuresByCode: Partial<Record<ErrorCode, number>> = {};
  readonly waits = new Map<string, number>();
  readonly droppedByReason = new Map<string, number>();
  readonly latencies: number[] = [];
  readonly #troubles = new Map<string, Trouble>();
  readonly #on: TroubleListener;
  /** Whether the consumer has lost its brokers, and tries to reach them again. */
  reconnecting = false;
  /** Why nothing will move until something is changed. */
  stalled: string | undefined;
  retriedLater = 0;
  failedAttempts = 0;
  aborted = 0;
  restarts = 0;
  completedBefore = 0;
  contextIgnored = 0;
  commits = 0;
  rebalances = 0;
  readonly stages = new Stages();
  readonly tokens = { input: 0, cached: 0, output: 0 };
  #next = 0;

  constructor(on: TroubleListener) {
    this.#on = on;
  }

  get troubles(): readonly string[] {
    return [...this.#troubles.values()].map(inWords);
  }

  verdict(verdict: Verdict, { takenMs }: Taken, nowMs: number): void {
    this.counts[verdict.outcome] += 1;
    if (verdict.outcome === 'given-back') {
      if (verdict.reason !== notBegun) this.aborted += 1;
      return;
    }
    this.latencies[this.#next % keptLatencies] = nowMs - takenMs;
    this.#next += 1;
    if (verdict.outcome === 'failed') {
      const code = codeOf(verdict.error);
      this.failuresByCode[code] = (this.failuresByCode[code] ?? 0) + 1;
      this.failedAttempts += verdict.attempts;
    } else if (verdict.outcome === 'dropped') {
      const reason = this.droppedByReason.has(verdict.reason) || this.droppedByReason.size < keptReasons ? verdict.reason : 'other reasons';
      this.droppedByReason.set(reason, (this.droppedByReason.get(reason) ?? 0) + 1);
    }
  }

  /**
   * Something does not work at present, for at most `leftMs` more where that is known; undefined: it does again. What is told `beside` it may change: that is no other
   * trouble.
   */
  trouble(where: string, told: string | undefined, leftMs?: number, beside?: string): void {
    const why = told === undefined ? undefined : withoutSecrets(told);
    const before = this.#troubles.get(where);
    if (before?.why === why && before?.leftMs === leftMs && before?.beside === beside) return;
    if (why === undefined) this.#troubles.delete(where);
    else this.#troubles.set(where, { why, leftMs, beside });
    if (before?.why !== why) this.#on.trouble(where, why === undefined ? undefined : inWords({ why, leftMs, beside }));
    this.#on.changed(this.troubles);
  }

  place(taken: Taken): string {
    return formatPosition(positionOf(taken));
  }
}

/** The value below which the share `q` of `values` lies; 0 for none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

export const ownedIds = (partitions: readonly OwnedPartition[]): readonly string[] => partitions.map(formatPartition);

/** Partitions that do not begin where the group left off, with the reason. */
export const resetsOf = (assignments: readonly Assignment[]): readonly string[] =>
  assignments.flatMap((one) =>
    one.reset === 'out-of-range'
      ? [
          `${formatPartition(one)} begins at ${String(one.start)}: what was committed (${String(one.committed?.offset)}) lies outside the log`,
        ]
      : [],
  );
