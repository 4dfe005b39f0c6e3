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
  /** Records with a lower id hang: their calls never end, aborted or not, and keep the process alive. @defaultValue 0 */
  readonly hang?: number;
  /** @defaultValue the product's own */
  readonly sessionTimeoutMs?: number;
  readonly drainDeadlineMs?: number;
}

export interface Item {
  readonly id: number;
}
