import type { LoadReport } from '../../../src/load/load-report.ts';
import type { Round } from '../models/work.ts';

/** What one slice of the tasks came to. */
export interface Slice {
  readonly perSecond: number;
  readonly tokensPerSecond: number;
  readonly peakPerSecond: number | undefined;
  readonly firstTokenMs: number;
  readonly failed: number;
}

/** Somebody who answers questions, pressed over HTTP or called. */
export interface ServeContender {
  readonly name: string;
  ask(questions: readonly string[]): Promise<Slice>;
}

export const ofReport = ({ tasksPerSecond, tokens, firstTokenMs, tasks }: LoadReport): Slice => ({
  perSecond: tasksPerSecond,
  tokensPerSecond: tokens.perSecond,
  peakPerSecond: tokens.peakPerSecond,
  firstTokenMs: firstTokenMs?.p50 ?? Number.NaN,
  failed: tasks.failed,
});

export function ofRound({ ms, outputTokens, firstTokenMs }: Round): Slice {
  const sorted = [...firstTokenMs].sort((a, b) => a - b);
  return {
    perSecond: (firstTokenMs.length * 1_000) / ms,
    tokensPerSecond: (outputTokens * 1_000) / ms,
    peakPerSecond: undefined,
    firstTokenMs: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    failed: 0,
  };
}
