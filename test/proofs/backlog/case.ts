/** What the worker is told. */
export interface Case {
  readonly brokers: readonly string[];
  /** An empty topic, and the one with the backlog. */
  readonly warmUp: string;
  readonly backlog: string;
  readonly output: string;
  readonly concurrency: number;
  /** Of one call of the model. */
  readonly latencyMs: number;
}

/** What it says of itself four times a second; bytes and counts. */
export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
  readonly done: number;
  readonly failed: number;
  readonly recordsInFlight: number;
  readonly bytesInFlight: number;
  readonly bytesAhead: number;
  readonly lag: number;
}
