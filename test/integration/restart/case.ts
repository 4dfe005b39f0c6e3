/** What the worker is told. */
export interface Case {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly instance?: string | false;
  readonly sessionTimeoutMs: number;
}
