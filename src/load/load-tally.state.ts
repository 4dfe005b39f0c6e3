import { Histogram } from '../report/internal/histogram.state.ts';
import { TimeSeries } from '../report/internal/time-series.state.ts';
import { PeakRate } from './peak-rate.state.ts';
import { type Spread, spreadOf } from './spread.state.ts';
import { interrupted, type TaskEnd } from './task-end.state.ts';
import type { Gap } from './task-meter.state.ts';
import { Thinned } from './thinned.state.ts';

const mostCauses = 50;
/** A start that came so much after its time is told: timers alone are 1 or 2 ms late. */
const lateMs = 10;

interface Stretch {
  completed: number;
  failed: number;
  tokens: number;
  readonly latency: Histogram;
  readonly firstToken: Histogram;
}

const stretches = {
  make: (): Stretch => ({ completed: 0, failed: 0, tokens: 0, latency: new Histogram(16), firstToken: new Histogram(16) }),
  merge: (into: Stretch, later: Stretch): void => {
    into.completed += later.completed;
    into.failed += later.failed;
    into.tokens += later.tokens;
    into.latency.merge(later.latency);
    into.firstToken.merge(later.firstToken);
  },
};

interface Cause {
  count: number;
  readonly example: string;
}

/**
 * What came of the tasks of a run. Holds histograms, a series of 120 stretches, 2,000 values of each kind, 50 causes, and counters for the seconds of the longest task: the same after an
 * hour as after a day.
 */
export class LoadTally {
  readonly #startMs: number;
  readonly #latency = new Histogram();
  readonly #service = new Histogram();
  readonly #firstToken = new Histogram();
  readonly #perToken = new Histogram();
  readonly #tokenGap = new Histogram();
  readonly #chunkGap = new Histogram();
  readonly #series = new TimeSeries(stretches, 1_000);
  readonly #peak: PeakRate;
  readonly #causes = new Map<string, Cause>();
  readonly #samples = { latencyMs: new Thinned(), firstTokenMs: new Thinned(), perTokenMs: new Thinned() };
  readonly #counts = { started: 0, completed: 0, failed: 0, interrupted: 0, neverStarted: 0, empty: 0, late: 0, restarts: 0, resent: 0 };
  readonly #countedBy = { usage: 0, server: 0, chunks: 0 };
  #mostLateMs = 0;
  #tokens = 0;
  #tokensOfOthers = 0;
  #arrived = 0;
  #endMs: number;

  /** @param longestMs no task takes longer */
  constructor(startMs: number, longestMs: number) {
    this.#startMs = startMs;
    this.#endMs = startMs;
    this.#peak = new PeakRate(longestMs);
  }

  started(dueMs: number, nowMs: number): void {
    this.#counts.started += 1;
    this.#mostLateMs = Math.max(this.#mostLateMs, nowMs - dueMs);
    if (nowMs - dueMs >= lateMs) this.#counts.late += 1;
  }

  /** Some of an answer has come: k tokens after a gap are k gaps of a kth of it. */
  chunk(tokens: number, gap: Gap | undefined): void {
    this.#arrived += tokens;
    if (gap === undefined) return;
    this.#chunkGap.add(gap.ms);
    for (let n = 0; n < Math.min(gap.tokens, 1_000); n += 1) this.#tokenGap.add(gap.ms / gap.tokens);
  }

  /** A task that was due, and for which there was no room before the run was over. */
  neverStarted(count: number, example: string): void {
    if (count === 0) return;
    this.#counts.neverStarted += count;
    this.#counts.failed += count;
    this.#cause('never started', example, count);
  }

  ended(end: TaskEnd): void {
    const { failure, endMs, sentMs, tokens, chunks, restarts, isResent } = end;
    this.#endMs = Math.max(this.#endMs, endMs);
    this.#counts.restarts += restarts;
    if (isResent) this.#counts.resent += 1;
    const stretch = this.#series.at(endMs - this.#startMs);
    if (failure !== undefined) {
      this.#tokensOfOthers += tokens;
      if (failure.cause === interrupted) {
        this.#counts.interrupted += 1;
        return;
      }
      this.#counts.failed += 1;
      stretch.failed += 1;
      this.#cause(failure.cause, failure.message, 1);
      return;
    }
    this.#counts.completed += 1;
    stretch.completed += 1;
    this.#countedBy[end.countedBy] += 1;
    if (chunks === 0) this.#counts.empty += 1;
    this.#tokens += tokens;
    this.#times(end, stretch);
    this.#service.add(endMs - sentMs);
    const told = [...end.marks.values()].reduce((sum, one) => sum + one, 0);
    const times = told > 0 ? tokens / told : 0;
    const marks = new Map([...end.marks].map(([bin, count]) => [Math.max(0, bin - Math.floor(this.#startMs / 100)), count]));
    for (const [bin, count] of marks) this.#series.at(bin * 100).tokens += count * times;
    this.#peak.add(marks, endMs - this.#startMs, times);
  }

  #times({ dueMs, firstMs, lastMs, endMs, tokens }: TaskEnd, stretch: Stretch): void {
    const { latencyMs, firstTokenMs, perTokenMs } = this.#samples;
    this.#latency.add(endMs - dueMs);
    stretch.latency.add(endMs - dueMs);
    latencyMs.add(endMs - dueMs);
    if (firstMs === undefined || lastMs === undefined) return;
    this.#firstToken.add(firstMs - dueMs);
    stretch.firstToken.add(firstMs - dueMs);
    firstTokenMs.add(firstMs - dueMs);
    if (tokens < 2 || lastMs <= firstMs) return;
    this.#perToken.add((lastMs - firstMs) / (tokens - 1));
    perTokenMs.add((lastMs - firstMs) / (tokens - 1));
  }

  #cause(cause: string, example: string, count: number): void {
    const known = this.#causes.has(cause) || this.#causes.size < mostCauses ? cause : 'other causes';
    const found = this.#causes.get(known) ?? { count: 0, example };
    found.count += count;
    this.#causes.set(known, found);
  }

  /** For whoever watches. */
  now() {
    const { started, completed, failed, interrupted: given } = this.#counts;
    const { p50 } = spreadOf(this.#firstToken) ?? { p50: undefined };
    const open = started - completed - (failed - this.#counts.neverStarted) - given;
    return { open, completed, failed, tokensArrived: this.#arrived, firstTokenP50Ms: p50 };
  }

  /** All that is known; to be asked once, at the end. */
  sum() {
    const elapsedMs = this.#endMs - this.#startMs;
    const perSecond = (count: number): number => (elapsedMs > 0 ? (count * 1_000) / elapsedMs : 0);
    const kept = (one: Thinned) => ({ stride: one.stride, values: one.values.map((value) => Math.round(value * 1_000) / 1_000) });
    return {
      elapsedMs,
      tasks: { ...this.#counts, mostLateMs: this.#mostLateMs },
      causes: [...this.#causes].map(([cause, { count, example }]) => ({ cause, count, example })).sort((a, b) => b.count - a.count),
      tasksPerSecond: perSecond(this.#counts.completed),
      tokens: {
        ...{ completed: this.#tokens, ofOthers: this.#tokensOfOthers, countedBy: this.#countedBy },
        perSecond: perSecond(this.#tokens),
        // of a run below a second its mean: the best second is not filled
        peakPerSecond: Math.round(Math.max(this.#peak.peak(), perSecond(this.#tokens)) * 100) / 100,
      },
      latencyMs: spreadOf(this.#latency),
      serviceMs: spreadOf(this.#service),
      firstTokenMs: spreadOf(this.#firstToken),
      perTokenMs: spreadOf(this.#perToken),
      tokenGapMs: spreadOf(this.#tokenGap),
      chunkGapMs: spreadOf(this.#chunkGap),
      series: { widthMs: this.#series.widthMs, stretches: this.#stretches(elapsedMs) },
      samples: {
        latencyMs: kept(this.#samples.latencyMs),
        firstTokenMs: kept(this.#samples.firstTokenMs),
        perTokenMs: kept(this.#samples.perTokenMs),
      },
    };
  }

  #stretches(elapsedMs: number) {
    return this.#series.buckets(elapsedMs).map(({ fromMs, value: { completed, failed, tokens, latency, firstToken } }) => ({
      ...{ fromMs, completed, failed, tokens: Math.round(tokens * 100) / 100 },
      latencyMs: quantilesOf(spreadOf(latency)),
      firstTokenMs: quantilesOf(spreadOf(firstToken)),
    }));
  }
}

const quantilesOf = (spread: Spread | undefined) =>
  spread && { p50: Math.round(spread.p50 * 100) / 100, p90: Math.round(spread.p90 * 100) / 100, p99: Math.round(spread.p99 * 100) / 100 };
