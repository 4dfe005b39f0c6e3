import type { Account, RunTimes } from './account.state.ts';
import type { Trajectory } from './agent/findings.ts';
import type { Finished } from './outcomes.ts';
import { isPassed, pairIdOf } from './pair-line.ts';
import type { RunFolder } from './run-folder.ts';
import type { SynthesisSummary } from './run-options.ts';

/** Pairs by what the checks say: each counts once, by the first check that it fails. */
type PairCounts = Record<'written' | 'kept' | 'not_written' | 'schema' | 'answerable' | 'closed_book' | 'duplicate', number>;

const noPairs = (): PairCounts => ({ written: 0, kept: 0, not_written: 0, schema: 0, answerable: 0, closed_book: 0, duplicate: 0 });

interface Totals {
  done: number;
  failed: number;
  readonly tokens: { input: number; output: number };
  calls: number;
  steps: number;
  max_depth: number;
  tool_ms: number;
  wall_ms: number;
  call_ms: number;
  wait_ms: number;
  cpu_ms: number;
  readonly tools: Record<string, { used: number; failed: number }>;
  readonly causes: Record<string, number>;
  readonly pairs: PairCounts;
}

/** `statistics_….json`: of each seed, and of all together. Holds a row for each seed. */
export class Statistics {
  readonly totals: Totals = {
    ...{ done: 0, failed: 0, tokens: { input: 0, output: 0 }, calls: 0, steps: 0, max_depth: 0, tool_ms: 0 },
    ...{ wall_ms: 0, call_ms: 0, wait_ms: 0, cpu_ms: 0, tools: {}, causes: {}, pairs: noPairs() },
  };
  readonly #rows: object[] = [];
  readonly #duplicates: ReadonlyMap<string, string>;

  constructor(duplicates: ReadonlyMap<string, string>) {
    this.#duplicates = duplicates;
  }

  add({ seed: { sourceId }, outcome }: Finished): void {
    const { totals } = this;
    const { attempts, calls, inputTokens, outputTokens, wallMs, callMs, waitMs, cpuMs, maxRssBytes } = outcome;
    const tokens = { input: inputTokens, output: outputTokens };
    const times = { wall_ms: wallMs, call_ms: callMs, wait_ms: waitMs, cpu_ms: cpuMs };
    for (const name of ['wall_ms', 'call_ms', 'wait_ms', 'cpu_ms'] as const) totals[name] += times[name];
    totals[outcome.status] += 1;
    const row = { source_id: sourceId, status: outcome.status, attempts, calls, tokens, ...times, max_rss_bytes: maxRssBytes };
    totals.tokens.input += inputTokens;
    totals.tokens.output += outputTokens;
    totals.calls += calls;
    if (outcome.status === 'failed') {
      totals.causes[outcome.error.code] = (totals.causes[outcome.error.code] ?? 0) + 1;
      this.#rows.push({ ...row, error: outcome.error });
      return;
    }
    const { depth, steps, tools, ends, toolMs, trajectories } = outcome.findings;
    const pairs = this.#pairs(sourceId, trajectories);
    totals.steps += steps;
    totals.tool_ms += toolMs;
    totals.max_depth = Math.max(totals.max_depth, depth);
    for (const [name, { used, failed }] of Object.entries(tools)) {
      const sum = (totals.tools[name] ??= { used: 0, failed: 0 });
      sum.used += used;
      sum.failed += failed;
    }
    for (const [name, count] of Object.entries(pairs)) totals.pairs[name as keyof PairCounts] += count;
    this.#rows.push({ ...row, depth, steps, tools, ends, tool_ms: toolMs, trajectories: trajectories.length, pairs });
  }

  whole({ folder, times, account, endedBy, isComplete }: WholeParts): object {
    const { config, randomSeed, model, seeds, isOrdered } = folder.manifest;
    const { done, failed, ...sums } = this.totals;
    return {
      run: folder.name,
      is_complete: isComplete,
      ended_by: isComplete ? 'complete' : endedBy,
      mode: config.environment_mode,
      model,
      random_seed: randomSeed,
      is_ordered: isOrdered,
      config,
      total: { seeds: seeds.length, done, failed, open: seeds.length - done - failed, ...sums },
      last_run: { ...times, ...account },
      seeds: this.#rows,
    };
  }

  #pairs(sourceId: string, trajectories: readonly Trajectory[]): PairCounts {
    const counts = noPairs();
    for (const trajectory of trajectories) {
      const { id, pair, checks } = trajectory;
      if (pair === undefined || checks === undefined) {
        counts.not_written += 1;
        continue;
      }
      counts.written += 1;
      if (isPassed(trajectory)) counts[this.#duplicates.has(pairIdOf(sourceId, id)) ? 'duplicate' : 'kept'] += 1;
      else counts[(['schema', 'answerable', 'closed_book'] as const).find((name) => checks[name].result === 'fail') ?? 'schema'] += 1;
    }
    return counts;
  }
}

interface WholeParts {
  readonly folder: RunFolder;
  readonly times: RunTimes;
  readonly account: Account;
  readonly endedBy: SynthesisSummary['endedBy'];
  readonly isComplete: boolean;
}
