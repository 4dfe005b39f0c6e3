import { belonging } from './rendezvous.state.ts';

/** How a call is given to one of several models that could take it. */
export type RoutePolicy = 'least-tokens' | 'round-robin' | 'weighted' | 'price' | 'latency' | 'prefix';

/** One that could take the call now. */
export interface Candidate {
  readonly index: number;
  readonly name: string;
  readonly weight: number;
  /** Calls that it works on. */
  readonly running: number;
  /** Tokens of prompts and answers that it has still to do, at most. */
  readonly outstanding: number;
  /** How long its calls take of late, in ms. */
  readonly latencyMs: number;
  /** What this call would cost with it, at most. */
  readonly cost: number;
}

export interface Demand {
  /** Of prompt and longest answer. */
  readonly tokens: number;
  /** What prompts have in common that should meet the same model. */
  readonly prefix: string;
}

/** With as many tokens more than the mean a queue still counts as even. What is asked for comes on top of it, or one call would be uneven already. */
const evenShare = 1.25;

/** Chooses among candidates. Holds two numbers a model. */
export class Balance {
  readonly #policy: RoutePolicy;
  readonly #lastTurn = new Map<number, number>();
  readonly #credit = new Map<number, number>();
  #turns = 0;

  constructor(policy: RoutePolicy) {
    this.#policy = policy;
  }

  /** Undefined of none. */
  choose(candidates: readonly Candidate[], demand: Demand): Candidate | undefined {
    const chosen = this.#chosen(candidates, demand);
    if (chosen) this.#lastTurn.set(chosen.index, (this.#turns += 1));
    return chosen;
  }

  #chosen(candidates: readonly Candidate[], demand: Demand): Candidate | undefined {
    const load = ({ outstanding, weight }: Candidate): number => (outstanding + demand.tokens) / weight;
    switch (this.#policy) {
      case 'least-tokens':
        return this.#least(candidates, load);
      case 'round-robin':
        return this.#least(candidates, () => 0);
      case 'weighted':
        return this.#smooth(candidates);
      case 'price':
        return this.#least(candidates, ({ cost }) => cost, load);
      case 'latency':
        return this.#least(candidates, ({ latencyMs, running, weight }) => (latencyMs * (running + 1)) / weight, load);
      case 'prefix':
        return this.#least(even(candidates, demand), ({ name, weight }) => -belonging(demand.prefix, name, weight));
    }
  }

  /** By the first measure, among equals by the next, and at last whoever was not chosen for longest. */
  #least(candidates: readonly Candidate[], ...measures: readonly ((one: Candidate) => number)[]): Candidate | undefined {
    let left = candidates;
    for (const measure of [...measures, ({ index }: Candidate) => this.#lastTurn.get(index) ?? 0]) {
      const least = Math.min(...left.map(measure));
      left = left.filter((one) => measure(one) === least);
    }
    return left[0];
  }

  /** Of weights 5, 1, 1: a a b a c a a, never five times the same in a row. @see nginx, smooth weighted round robin */
  #smooth(candidates: readonly Candidate[]): Candidate | undefined {
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
    for (const { index, weight } of candidates) this.#credit.set(index, (this.#credit.get(index) ?? 0) + weight);
    const chosen = this.#least(candidates, ({ index }) => -(this.#credit.get(index) ?? 0));
    if (chosen) this.#credit.set(chosen.index, (this.#credit.get(chosen.index) ?? 0) - total);
    return chosen;
  }
}

/** Those whose queue is no longer than the others', more or less. @see "Consistent Hashing with Bounded Loads" (Mirrokni and others) */
function even(candidates: readonly Candidate[], { tokens }: Demand): readonly Candidate[] {
  const weights = candidates.reduce((sum, { weight }) => sum + weight, 0);
  const mean = candidates.reduce((sum, { outstanding }) => sum + outstanding, 0) / weights;
  return candidates.filter(({ outstanding, weight }) => outstanding / weight <= evenShare * mean + tokens / weight);
}
