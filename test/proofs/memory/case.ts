/** Of a heap of 200 MiB: garbage of a second, and what a leak adds meanwhile, must have room above it. The soft limit is 80/92 of it. */
export const hardHeapBytes = 150 * 2 ** 20;

/** What the worker says of itself ten times a second; bytes, counts and shares. */
export interface Sample {
  /** JavaScript's old generation. */
  readonly heap: number;
  /** Of the caps on what is in flight. */
  readonly share: number;
  readonly pausedBy: string | undefined;
  readonly troubles: readonly string[];
  readonly cached: number;
  readonly written: number;
  readonly done: number;
  readonly failed: number;
  readonly inFlight: number;
}
