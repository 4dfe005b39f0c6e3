import type { MonitoredItem, RunBucket, RunProgress, RunSnapshot } from '../run-snapshot.state.ts';
import { Aggregates } from './aggregates.state.ts';
import { type Distribution, Histogram } from './histogram.state.ts';
import { RecentRate } from './recent-rate.state.ts';
import { type Bucket, TimeSeries } from './time-series.state.ts';
import { CountsByValue } from './value-counts.state.ts';

/** Why an item failed, as it may be shown to anybody. */
export interface ItemFailure {
  readonly id: string;
  readonly code: string;
  readonly message: string;
}

/** An item that has ended. */
export interface EndedItem extends Omit<MonitoredItem, 'error' | 'id'> {
  readonly failure?: ItemFailure;
}

interface Counts {
  done: number;
  failed: number;
  input: number;
  output: number;
  calls: number;
  readonly times: Histogram;
}

const coarseSteps = 16;
const counted = {
  make: (): Counts => ({ done: 0, failed: 0, input: 0, output: 0, calls: 0, times: new Histogram(coarseSteps) }),
  merge: (into: Counts, later: Counts): void => {
    for (const name of ['done', 'failed', 'input', 'output', 'calls'] as const) into[name] += later[name];
    into.times.merge(later.times);
  },
};
const mostFailures = 20;
const mostCodes = 100;

/** All that a run has come to; see RunMonitor for what it holds. */
export class RunCounts {
  readonly #startedMs: number;
  readonly #series = new TimeSeries(counted);
  readonly #rate: RecentRate;
  readonly #times = new Histogram();
  readonly #tokensPerItem = new Histogram();
  readonly #tokens = { input: 0, cached: 0, output: 0 };
  readonly #errors = new CountsByValue(mostCodes);
  readonly #failures: ItemFailure[] = [];
  readonly #aggregates = new Aggregates();
  #total: number | undefined;
  #doneBefore = 0;
  #done = 0;
  #failed = 0;
  #calls = 0;
  #reused = 0;

  constructor(startedMs: number, total?: number) {
    this.#startedMs = startedMs;
    this.#rate = new RecentRate(startedMs);
    this.#total = total;
  }

  expect(total: number, doneBefore: number): void {
    this.#total = total;
    this.#doneBefore = doneBefore;
  }

  item(item: EndedItem, nowMs: number): void {
    const { failure, processingMs, tokens, calls = 0, reused = 0 } = item;
    const bucket = this.#series.at(nowMs - this.#startedMs);
    if (failure === undefined) {
      this.#done += 1;
      bucket.done += 1;
    } else {
      this.#failed += 1;
      bucket.failed += 1;
      this.#errors.add(failure.code);
      if (this.#failures.length < mostFailures) this.#failures.push(failure);
    }
    this.#times.add(processingMs);
    bucket.times.add(processingMs);
    this.#calls += calls;
    bucket.calls += calls;
    this.#reused += reused;
    if (tokens !== undefined) this.#use(tokens, bucket);
    this.#aggregates.add(item);
    this.#rate.add(this.#done + this.#failed, nowMs);
  }

  #use({ input, output, cached = 0 }: { readonly input: number; readonly output: number; readonly cached?: number }, bucket: Counts): void {
    this.#tokens.input += input;
    this.#tokens.output += output;
    this.#tokens.cached += cached;
    bucket.input += input;
    bucket.output += output;
    if (input + output > 0) this.#tokensPerItem.add(input + output);
  }

  progress(nowMs: number): RunProgress {
    const ended = this.#done + this.#failed;
    const rate = this.#rate.perSecond(ended, nowMs);
    const total = this.#total;
    const left = total === undefined ? undefined : Math.max(0, total - this.#doneBefore - ended);
    return {
      elapsedMs: nowMs - this.#startedMs,
      ...(total === undefined ? {} : { total }),
      doneBefore: this.#doneBefore,
      done: this.#done,
      failed: this.#failed,
      rate,
      ...(left === undefined || (rate === 0 && left > 0) ? {} : { etaMs: left === 0 ? 0 : (left * 1_000) / rate }),
    };
  }

  snapshot(nowMs: number): RunSnapshot {
    const elapsedMs = nowMs - this.#startedMs;
    const stretches = this.#series.buckets(elapsedMs);
    const bucketMs = this.#series.widthMs;
    // the last stretch is not over: what little there is of it says nothing of a second, until it is a quarter
    const buckets = stretches.map((one) => bucketOf(one, Math.max(bucketMs / 4, Math.min(bucketMs, elapsedMs - one.fromMs))));
    const perItem = this.#tokensPerItem.distribution();
    const ended = this.#done + this.#failed;
    return {
      startedAt: new Date(this.#startedMs).toISOString(),
      ...this.progress(nowMs),
      ...given('throughput', ended === 0 ? undefined : distributionOf(buckets.map(({ throughput }) => throughput))),
      ...given('errorRate', distributionOf(buckets.flatMap(({ errorRate }) => (errorRate === undefined ? [] : [errorRate])))),
      ...given('processingMs', this.#times.distribution()),
      tokens: { ...this.#tokens, ...given('perItem', perItem) },
      calls: this.#calls,
      reused: this.#reused,
      errors: this.#errors.list(),
      failures: [...this.#failures],
      series: { bucketMs, buckets },
      aggregates: this.#aggregates.list(),
    };
  }
}

function bucketOf({ fromMs, value }: Bucket<Counts>, lengthMs: number): RunBucket {
  const { done, failed, input, output, calls, times } = value;
  const ended = done + failed;
  const [p50 = 0, p95 = 0] = times.quantiles([0.5, 0.95]);
  return {
    ...{ fromMs, done, failed, calls, inputTokens: input, outputTokens: output },
    throughput: (ended * 1_000) / lengthMs,
    ...(ended === 0 ? {} : { errorRate: failed / ended, processingMs: { p50, p95, max: times.distribution()?.max ?? 0 } }),
  };
}

function distributionOf(values: readonly number[]): Distribution | undefined {
  const all = new Histogram();
  for (const value of values) all.add(value);
  return all.distribution();
}

const given = <K extends string, V>(name: K, value: V | undefined): { readonly [N in K]?: V } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [N in K]?: V };
