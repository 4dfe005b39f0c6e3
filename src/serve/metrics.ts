import type { LifecycleState } from '../runtime/lifecycle.state.ts';
import type { StatsSnapshot } from '../runtime/stats.ts';
import { machineMetricSpecs, type MetricSpec, type Sample, type SeenMachine } from './machine-metrics.ts';

/** What is told of one pipeline; `stats` is undefined while it starts. */
export interface Served {
  readonly name: string;
  readonly state: LifecycleState;
  stats(): StatsSnapshot | undefined;
  /** What does not work at present. @defaultValue those of `stats` */
  troubles?(): readonly string[];
}

export interface Seen extends SeenMachine {
  readonly pipeline: string;
  readonly state: LifecycleState;
  readonly stats: StatsSnapshot | undefined;
  readonly nowMs: number;
}

const ofStats = (
  type: MetricSpec<Seen>['type'],
  help: string,
  samples: (stats: StatsSnapshot, nowMs: number) => number | readonly Sample[],
  labels: readonly string[] = [],
): MetricSpec<Seen> => ({
  type,
  help,
  labels: ['pipeline', ...labels],
  samples: ({ pipeline, stats, nowMs }) => {
    if (stats === undefined) return [];
    const found = samples(stats, nowMs);
    const all: readonly Sample[] = typeof found === 'number' ? [[found]] : found;
    return all.map(([value, own]) => [value, { pipeline, ...own }] as const);
  },
});

const states: readonly LifecycleState[] = ['starting', 'running', 'draining', 'stopped', 'failed'];
const mostReasons = 50; // texts are a policy's: what changes from moment to moment must not make a series each time

/** Everything that `/metrics` tells, by its name. Labels are names of ours, codes and reasons of policies: no payload, no secret. */
export const metricSpecs: Readonly<Record<string, MetricSpec<Seen>>> = {
  ...machineMetricSpecs,
  millrace_pipeline_state: {
    type: 'gauge',
    help: '1 for the state that the pipeline is in, 0 for the others',
    labels: ['pipeline', 'state'],
    samples: ({ pipeline, state }) => states.map((one): Sample => [one === state ? 1 : 0, { pipeline, state: one }]),
  },
  millrace_records_total: ofStats(
    'counter',
    'records by outcome; those given back, or put into a retry topic, come again',
    ({ done, failed, dropped, givenBack, retriedLater }) =>
      Object.entries({ done, failed, dropped, given_back: givenBack, retried_later: retriedLater }).map(
        ([outcome, n]): Sample => [n, { outcome }],
      ),
    ['outcome'],
  ),
  millrace_record_failures_total: ofStats(
    'counter',
    'failed records by the code of their error',
    ({ failuresByCode }) => Object.entries(failuresByCode).map(([code, n]): Sample => [n, { code }]),
    ['code'],
  ),
  millrace_record_latency_seconds: ofStats(
    'gauge',
    'from taking a record to settling it, of the last 1,000',
    ({ latencyMs: { p50, p99 } }) => [
      [p50 / 1_000, { quantile: '0.5' }],
      [p99 / 1_000, { quantile: '0.99' }],
    ],
    ['quantile'],
  ),
  millrace_records_in_flight: ofStats(
    'gauge',
    'records taken and not settled: before their first call (waiting), after it began (working), written and not acknowledged (handed)',
    ({ stages }) => Object.entries(stages).map(([stage, n]): Sample => [n, { stage }]),
    ['stage'],
  ),
  millrace_first_calls_total: ofStats('counter', 'records for which a call was begun', ({ firstCalls }) => firstCalls.count),
  millrace_queue_wait_seconds_total: ofStats(
    'counter',
    'time from taking records to their first call',
    ({ firstCalls }) => firstCalls.waitedMs / 1_000,
  ),
  millrace_in_flight_bytes: ofStats('gauge', 'bytes of records in flight', ({ bytesInFlight }) => bytesInFlight),
  millrace_ahead_bytes: ofStats('gauge', 'bytes fetched and not taken', ({ bytesAhead }) => bytesAhead),
  millrace_outgoing_bytes: ofStats('gauge', 'bytes waiting for the broker', ({ bytesOutgoing }) => bytesOutgoing),
  millrace_intake_ratio: ofStats(
    'gauge',
    'share of the caps that is used: below 1 while memory is short',
    ({ intakeShare }) => intakeShare,
  ),
  millrace_paused: ofStats(
    'gauge',
    '1 for each reason why nothing is taken at present',
    ({ pausedBy, holds }) =>
      [...new Set([...(pausedBy === undefined ? [] : [pausedBy]), ...holds.map(({ reason }) => reason)])]
        .slice(0, mostReasons)
        .map((reason): Sample => [1, { reason }]),
    ['reason'],
  ),
  millrace_calls_waiting: ofStats(
    'gauge',
    'calls that wait for a policy, by its reason',
    ({ waits }) => waits.slice(0, mostReasons).map(({ reason, calls }): Sample => [calls, { reason }]),
    ['reason'],
  ),
  millrace_policy_used: ofStats(
    'gauge',
    'what is taken of a policy, in its own unit',
    ({ policies }) => policies.map(({ used, name, kind }): Sample => [used, { policy: name, kind }]),
    ['policy', 'kind'],
  ),
  millrace_policy_limit: ofStats(
    'gauge',
    'the most that may be taken',
    ({ policies }) => policies.map(({ limit, name, kind }): Sample => [limit, { policy: name, kind }]),
    ['policy', 'kind'],
  ),
  millrace_policy_waiting: ofStats(
    'gauge',
    'calls that wait for a policy',
    ({ policies }) => policies.map(({ waiting, name, kind }): Sample => [waiting, { policy: name, kind }]),
    ['policy', 'kind'],
  ),
  millrace_policy_paused_seconds: ofStats(
    'gauge',
    'how long a policy lets nothing through',
    ({ policies }, nowMs) =>
      policies.map(({ pausedUntilMs = 0, name, kind }): Sample => [Math.max(0, pausedUntilMs - nowMs) / 1_000, { policy: name, kind }]),
    ['policy', 'kind'],
  ),
  millrace_policy_number: ofStats(
    'gauge',
    'what else a policy tells, by name and unit',
    ({ policies }) =>
      policies.flatMap(({ name, kind, numbers = {} }) =>
        Object.entries(numbers).map(([number, n]): Sample => [n, { policy: name, kind, number }]),
      ),
    ['policy', 'kind', 'number'],
  ),
  millrace_tokens_total: ofStats(
    'counter',
    'tokens that models have used, also for calls that failed; cached ones are input, too',
    ({ tokens }) => Object.entries(tokens).map(([kind, n]): Sample => [n, { kind }]),
    ['kind'],
  ),
  millrace_partitions: ofStats('gauge', 'partitions owned', ({ partitions }) => partitions),
  millrace_lag_records: ofStats('gauge', 'offsets written and not settled, over the partitions owned', ({ lag }) => Number(lag)),
  millrace_watermark_age_seconds: ofStats(
    'gauge',
    'how long the oldest record that is not settled has been in flight',
    ({ watermarkAgeMs }) => watermarkAgeMs / 1_000,
  ),
  millrace_settled_beyond_records: ofStats('gauge', 'records settled above a watermark', ({ settledBeyond }) => settledBeyond),
  millrace_map_ratio: ofStats(
    'gauge',
    "how much of a commit's metadata the fullest map takes; above 0.75 its partition takes nothing more",
    ({ mapShare }) => mapShare,
  ),
  millrace_commits_total: ofStats('counter', 'times that offsets were stored', ({ commits }) => commits),
  millrace_transactions_total: ofStats(
    'counter',
    'transactions, with exactly-once',
    ({ transactions }) => Object.entries(transactions).map(([outcome, n]): Sample => [n, { outcome }]),
    ['outcome'],
  ),
  millrace_rebalances_total: ofStats('counter', 'times that partitions came or went', ({ rebalances }) => rebalances),
  millrace_restarts_total: ofStats('counter', 'times that the stream ended early and was built anew', ({ restarts }) => restarts),
  millrace_calls_aborted_total: ofStats('counter', 'records given back whose work had begun: it is done again', ({ aborted }) => aborted),
  millrace_completed_before_total: ofStats(
    'counter',
    'records not run again because they were completed before',
    ({ completedBefore }) => completedBefore,
  ),
  millrace_context_headers_ignored_total: ofStats('counter', 'malformed context headers', ({ contextIgnored }) => contextIgnored),
  millrace_unreadable_partitions: ofStats(
    'gauge',
    'partitions whose next record waits for what its codec needs to read it, such as a schema',
    ({ unreadable }) => {
      const topics = Map.groupBy(unreadable, ({ partition }) => partition.slice(0, partition.lastIndexOf('/')));
      return [...topics].map(([topic, { length }]): Sample => [length, { topic }]);
    },
    ['topic'],
  ),
  millrace_troubles: ofStats('gauge', 'things that do not work at present; /healthz names them', ({ troubles }) => troubles.length),
};
