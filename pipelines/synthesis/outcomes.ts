import type { Journal } from 'millrace';
import { SeedOutcome } from './outcome.ts';
import type { Seed } from './seed.ts';
import { keyOf } from './seed-runner.ts';

/** A seed that has an outcome. */
export interface Finished {
  readonly place: number;
  readonly seed: Seed;
  readonly outcome: SeedOutcome;
}

/** What the journal has of a run's seeds, read when it is asked for: only how each ended is held. */
export class Outcomes {
  readonly #seeds: readonly Seed[];
  readonly #journal: Journal;
  readonly #status = new Map<number, SeedOutcome['status']>();

  private constructor(seeds: readonly Seed[], journal: Journal) {
    this.#seeds = seeds;
    this.#journal = journal;
  }

  static async read(seeds: readonly Seed[], journal: Journal): Promise<Outcomes> {
    const outcomes = new Outcomes(seeds, journal);
    for (const place of seeds.keys()) await outcomes.at(place);
    return outcomes;
  }

  /** How many have ended so. */
  count(status: SeedOutcome['status']): number {
    return [...this.#status.values()].filter((one) => one === status).length;
  }

  status(place: number): SeedOutcome['status'] | undefined {
    return this.#status.get(place);
  }

  /** Places without an outcome, or with a failure. */
  places(want: 'open' | 'failed'): readonly number[] {
    return [...this.#seeds.keys()].filter((place) => this.#status.get(place) === (want === 'open' ? undefined : 'failed'));
  }

  async at(place: number): Promise<Finished | undefined> {
    const seed = this.#seeds[place];
    if (seed === undefined) return undefined;
    const entry = await this.#journal.get(keyOf(seed.sourceId));
    if (entry === undefined) return undefined;
    const outcome = SeedOutcome.parse(entry.value);
    this.#status.set(place, outcome.status);
    return { place, seed, outcome };
  }

  /** In the order of the input. */
  async *all(): AsyncGenerator<Finished, void, undefined> {
    for (const place of this.#seeds.keys()) {
      const found = this.#status.has(place) ? await this.at(place) : undefined;
      if (found) yield found;
    }
  }
}
