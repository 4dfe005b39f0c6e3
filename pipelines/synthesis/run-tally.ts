import type { RunTimes } from './account.state.ts';
import type { SeedOutcome } from './outcome.ts';
import type { WaitingTimes } from './waiting-times.state.ts';

/** Adds up what the seeds of this run took. */
export class RunTally {
  readonly #startedMs: number;
  readonly #cpu = process.cpuUsage();
  readonly #sums = { seeds: 0, wallMs: 0, callMs: 0, waitMs: 0, toolMs: 0, cpuMs: 0 };
  #maxRssBytes = 0;

  constructor(nowMs: number) {
    this.#startedMs = nowMs;
  }

  seed(outcome: SeedOutcome): void {
    this.#sums.seeds += 1;
    for (const name of ['wallMs', 'callMs', 'waitMs', 'cpuMs'] as const) this.#sums[name] += outcome[name];
    if (outcome.status === 'done') this.#sums.toolMs += outcome.findings.toolMs;
    this.#maxRssBytes = Math.max(this.#maxRssBytes, outcome.maxRssBytes);
  }

  times(now: Pick<RunTimes, 'workers' | 'cores' | 'fewer'> & { readonly nowMs: number; readonly calls: WaitingTimes }): RunTimes {
    const { nowMs, workers, cores, fewer, calls } = now;
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      elapsedMs: Math.max(0, nowMs - this.#startedMs),
      ...{ workers, cores, fewer, ...this.#sums, maxRssBytes: this.#maxRssBytes },
      parentCpuMs: (user + system) / 1000,
      stretch: calls.stretch,
      overloads: calls.overloads,
    };
  }
}
