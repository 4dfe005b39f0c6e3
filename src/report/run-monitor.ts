import type { Clock } from '../clock.ts';
import { type OptionNames, requireMethods, requireOptions } from '../check-options.ts';
import { codeOf } from '../classify.ts';
import { requireInteger } from '../errors.ts';
import { withoutSecrets } from '../without-secrets.ts';
import { type ItemFailure, RunCounts } from './internal/run-counts.state.ts';
import type { MonitoredItem, RunProgress, RunSnapshot } from './run-snapshot.state.ts';

export interface RunMonitorOptions {
  readonly clock: Clock;
  /** Items that there are, where it is known; see {@link RunMonitor.expect}. */
  readonly total?: number;
}

/** Keeps what a run of many items came to. */
export interface RunMonitor {
  /** Counts an item that has ended. */
  item(item: MonitoredItem): void;
  /** How many items there are, as soon as it is known, or as it grows; of these, how many an earlier run had finished. */
  expect(total: number, doneBefore?: number): void;
  progress(): RunProgress;
  /** All that was counted; for a report, not for a progress line. */
  snapshot(): RunSnapshot;
}

const names: OptionNames<RunMonitorOptions> = { clock: true, total: true };

/**
 * Counts the items of a run from now on: times, rates, tokens, errors, and how the answers are spread. For `writeReport` and `showProgress`.
 *
 * Holds a fixed number of counters, whatever the number of items: 120 stretches of the run and of the calendar, 8 tasks of 20 answers and 8 fields of 40 values; quantiles are less than 1 % off.
 * @throws OptionError for an option outside its range.
 */
export function runMonitor(options: RunMonitorOptions): RunMonitor {
  requireOptions('runMonitor', options, names);
  const { clock, total } = options;
  requireMethods('runMonitor.clock', clock, ['nowMs', 'schedule'], 'a clock');
  if (total !== undefined) requireInteger('runMonitor.total', total, 0);
  const counts = new RunCounts(clock.nowMs(), total);
  return {
    item: ({ error, id = '', ...item }) => {
      const failure = error === undefined ? {} : { failure: failureOf(error, id) };
      counts.item({ ...item, ...failure }, clock.nowMs());
    },
    expect: (all, doneBefore = 0) => {
      requireInteger('runMonitor.expect total', all, 0);
      requireInteger('runMonitor.expect doneBefore', doneBefore, 0);
      counts.expect(all, doneBefore);
    },
    progress: () => counts.progress(clock.nowMs()),
    snapshot: () => counts.snapshot(clock.nowMs()),
  };
}

const longest = { id: 200, message: 300 };

function failureOf(error: unknown, id: string): ItemFailure {
  // a code alone may be all that is known of it
  const [code, message] = typeof error === 'string' ? [error, ''] : [codeOf(error), error instanceof Error ? error.message : String(error)];
  return { id: cut(id, longest.id), code: cut(code, longest.id), message: cut(withoutSecrets(message), longest.message) };
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text).toWellFormed();
