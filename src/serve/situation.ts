import type { Situation } from './diagnose.state.ts';
import { type Reading, sumOf } from './read-metrics.ts';

/** One look, and when it was. */
export interface Look {
  readonly atMs: number;
  readonly reading: Reading;
}

/** What several looks say together; at least two, in their order. */
export function situationOf(looks: readonly Look[]): Situation {
  const first = looks[0];
  const last = looks.at(-1);
  if (first === undefined || last === undefined || last.atMs <= first.atMs)
    throw new RangeError('a situation takes two looks, one after the other');
  const seconds = (last.atMs - first.atMs) / 1_000;
  const grown = (name: string, labels?: Readonly<Record<string, string>>): number =>
    sumOf(last.reading, name, labels) - sumOf(first.reading, name, labels);
  const mean = (name: string, labels?: Readonly<Record<string, string>>): number =>
    looks.reduce((sum, { reading }) => sum + sumOf(reading, name, labels), 0) / looks.length;
  const meansBy = (name: string, label: string): Record<string, number> => {
    const sums: Record<string, number> = {};
    for (const { reading } of looks)
      for (const [value, { [label]: by = '' } = {}] of reading.get(name) ?? []) sums[by] = (sums[by] ?? 0) + value / looks.length;
    return sums;
  };
  const settled = ['done', 'failed', 'dropped'].reduce((sum, outcome) => sum + grown('millrace_records_total', { outcome }), 0);
  const { 1: { state = 'unknown' } = {} } = (last.reading.get('millrace_pipeline_state') ?? []).find(([value]) => value === 1) ?? [0];
  return {
    seconds,
    settledPerSecond: settled / seconds,
    lag: mean('millrace_lag_records'),
    waiting: mean('millrace_records_in_flight', { stage: 'waiting' }),
    working: mean('millrace_records_in_flight', { stage: 'working' }),
    handed: mean('millrace_records_in_flight', { stage: 'handed' }),
    aheadBytes: mean('millrace_ahead_bytes'),
    outgoingBytes: mean('millrace_outgoing_bytes'),
    loopBusy: Math.min(1, grown('millrace_event_loop_active_seconds_total') / seconds),
    cpus: grown('millrace_cpu_seconds_total') / seconds,
    gcShare: grown('millrace_gc_pause_seconds_total') / seconds,
    intake: looks.reduce(
      (least, { reading }) => Math.min(least, reading.has('millrace_intake_ratio') ? sumOf(reading, 'millrace_intake_ratio') : 1),
      1,
    ),
    paused: meansBy('millrace_paused', 'reason'),
    policyWaits: { ...meansBy('millrace_policy_waiting', 'policy'), ...meansBy('millrace_calls_waiting', 'reason') },
    unreadable: meansBy('millrace_unreadable_partitions', 'topic'),
    troubles: mean('millrace_troubles'),
    state,
  };
}
