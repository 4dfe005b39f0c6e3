import type { Output } from '../command.ts';
import type { StatsSnapshot } from '../runtime/stats.ts';

/** Says at the end what a run has done. */
export function summary(pipeline: string, stats: StatsSnapshot, tookMs: number, out: Output): void {
  const { done, failed, dropped, givenBack, latencyMs, failuresByCode } = stats;
  const codes = Object.entries(failuresByCode).map(([code, count]) => `${code} ${String(count)}`);
  const seconds = tookMs / 1000;
  out.note(
    `${pipeline}: ${String(done)} done, ${String(failed)} failed${codes.length > 0 ? ` (${codes.join(', ')})` : ''}, ${String(dropped)} dropped` +
      `${givenBack > 0 ? `, ${String(givenBack)} given back` : ''} in ${seconds.toFixed(1)} s; p50 ${latencyMs.p50.toFixed(0)} ms, p99 ${latencyMs.p99.toFixed(0)} ms`,
  );
  out.json({
    summary: {
      done,
      failed,
      dropped,
      givenBack,
      failuresByCode,
      p50Ms: round(latencyMs.p50),
      p99Ms: round(latencyMs.p99),
      seconds: round(seconds),
    },
  });
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
