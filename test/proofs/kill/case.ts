/** What the worker is told. */
export interface Case {
  readonly brokers: readonly string[];
  readonly input: string;
  readonly output: string;
  readonly concurrency: number;
  /** Of one call: between these. */
  readonly latencyMs: readonly [least: number, most: number];
  /** One call in so many takes 20 times as long, so that much is completed behind it. */
  readonly slowEvery: number;
  readonly sessionTimeoutMs: number;
}

export interface Item {
  readonly id: number;
}
