export interface LearnedRules {
  readonly quantile: number;
  readonly minCalls: number;
  readonly lastCalls: number;
  readonly maxSteps: number;
}

/** How long answers were, by step: the last ones of each, in the order they came. */
export class LearnedState {
  readonly #rules: LearnedRules;
  readonly #steps = new Map<string, { readonly lengths: number[]; at: number; quantile: number | undefined }>();

  constructor(rules: LearnedRules) {
    this.#rules = rules;
  }

  /** The length that `quantile` of the last answers of `step` did not pass; undefined while too few are known. */
  length(step: string): number | undefined {
    const one = this.#steps.get(step);
    if (one === undefined || one.lengths.length < this.#rules.minCalls) return undefined;
    const { lengths } = one;
    one.quantile ??= lengths.toSorted((a, b) => a - b)[Math.ceil(lengths.length * this.#rules.quantile) - 1];
    return one.quantile;
  }

  learn(step: string, length: number): void {
    const known = this.#steps.get(step);
    const one = known ?? { lengths: [], at: 0, quantile: undefined };
    // at its end in the order of use: the step that was not learnt from for longest is forgotten first
    if (known) this.#steps.delete(step);
    this.#steps.set(step, one);
    const oldest = this.#steps.keys().next().value;
    if (this.#steps.size > this.#rules.maxSteps && oldest !== undefined) this.#steps.delete(oldest);
    one.lengths[one.at] = length;
    one.at = (one.at + 1) % this.#rules.lastCalls;
    one.quantile = undefined;
  }
}
