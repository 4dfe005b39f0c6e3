/** What the worker is told: seeds `from`, `from + step`, … up to `to`. */
export interface Case {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** What it says of each. */
export interface Seen {
  readonly seed: number;
  readonly problems: readonly string[];
}
