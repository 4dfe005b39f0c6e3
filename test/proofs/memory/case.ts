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
