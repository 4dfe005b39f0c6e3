/** What the worker is told: seeds `from`, `from + step`, … up to `to`. */
export interface Case {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** The whole history of a seed, as its hash: the same in every process. */
export interface Replayed {
  readonly seed: number;
  readonly digest: string;
}

/** What it says of each. */
export interface Seen {
  readonly seed: number;
  readonly problems: readonly string[];
}
