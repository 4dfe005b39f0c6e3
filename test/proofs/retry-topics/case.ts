/** What the worker is told. */
export interface Case {
  readonly brokers: readonly string[];
  readonly topics: Topics;
  readonly delivery: 'at-least-once' | 'exactly-once';
  readonly delaysMs: readonly number[];
  readonly sessionTimeoutMs: number;
}

/** Its group's name is also the prefix of its topics. */
export interface Topics {
  readonly group: string;
  readonly input: string;
  readonly output: string;
  readonly dead: string;
  /** One for each delay. */
  readonly retry: readonly string[];
}

export const topicsOf = (group: string, delays: number): Topics => ({
  group,
  input: `${group}.in`,
  output: `${group}.out`,
  dead: `${group}.dead`,
  retry: Array.from({ length: delays }, (_, i) => `${group}.retry.${String(i + 1)}`),
});

/** What flows. Times are of the wall clock, which all processes of a machine share. */
export interface Item {
  readonly id: number;
  readonly bornMs: number;
  /** Its calls fail until then; undefined: none does, null: all do. */
  readonly failsUntilMs?: number | null;
}

/** What comes of it. */
export interface Answer {
  readonly id: number;
  /** When the call began that succeeded. */
  readonly calledMs: number;
}
