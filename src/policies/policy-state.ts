/**
 * How a policy stands at one moment, for metrics, health and `millrace diagnose`. A plain object without secrets and payloads: it
 * is shown to whoever may read the metrics.
 */
export interface PolicyState {
  /** The policy's own; where a pipeline names it among its `resources`, the name there. */
  readonly name: string;
  /** What sort of policy it is, in kebab case as its file: `permits`, `token-budget`, … */
  readonly kind: string;
  /** What is taken now, in the policy's own unit: permits, tokens of the window, entries. */
  readonly used: number;
  /** The most that may be taken, in the same unit; Infinity where there is none. */
  readonly limit: number;
  /** Calls that wait for it now. */
  readonly waiting: number;
  /** Nothing is let through before that, in the clock's milliseconds; absent while something is. */
  readonly pausedUntilMs?: number;
  /** Why calls wait, in words that do not change from moment to moment; absent while none has to. */
  readonly reason?: string;
  /** What else there is to know, by names in snake_case that end with their unit. At most 20; the same ones each time. */
  readonly numbers?: Readonly<Record<string, number>>;
  /** What it is made of, where that has states of its own; shown as `name/part`. Theirs are not shown. @defaultValue none */
  readonly parts?: readonly PolicyState[];
}

/** What a policy offers to whoever watches over it. A pipeline finds it on the values of its `resources`. */
export interface WatchedPolicy {
  /** Cheap, and changes nothing: it is asked whenever somebody reads the metrics. Must not throw. */
  describe(nowMs: number): PolicyState;
  /**
   * Lets go of what is held only to be faster, as caches are; asked when memory runs short, at most once a second. Must not throw.
   * Absent: there is nothing of that sort.
   */
  shed?(): void;
}
