import type { Finding } from '../../helpers/experiment.ts';

/** How long `work` takes, in ms. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly value: T }> {
  const startedMs = performance.now();
  const value = await work();
  return { ms: performance.now() - startedMs, value };
}

export const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / Math.max(1, values.length);
export const inMs = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
export const tells = (what: string, measured: string): Finding => ({ what, measured, passes: '', pass: true });
export const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
