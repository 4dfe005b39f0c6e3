import type { Histogram } from '../report/internal/histogram.state.ts';

/** How values are spread. */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Undefined where nothing was counted. */
export function spreadOf(histogram: Histogram): Spread | undefined {
  const all = histogram.distribution();
  if (all === undefined) return undefined;
  const [p90 = 0] = histogram.quantiles([0.9]);
  return { count: all.count, mean: all.mean, p50: all.p50, p90, p99: all.p99, max: all.max };
}
