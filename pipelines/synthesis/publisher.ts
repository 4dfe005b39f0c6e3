import type { Config } from './config.ts';
import { Decisions } from './decisions.ts';
import type { SeedOutcome } from './outcome.ts';
import type { Outcomes } from './outcomes.ts';
import type { PairFile } from './pair-file.ts';
import { type PairLine, pairLines } from './pair-line.ts';
import type { Seed } from './seed.ts';

export interface PublisherOptions {
  readonly config: Config;
  readonly seeds: number;
  /** Places that this run works on. What is there of them when it begins, a failure, is not their end. */
  readonly todo: readonly number[];
  readonly outcomes: Outcomes;
  readonly file: PairFile;
  /** Lines in the order of the input; else as seeds complete. */
  readonly isOrdered: boolean;
  /** Told of each pair that was written. */
  readonly onPair?: ((line: PairLine) => void) | undefined;
  /** Where pairs go beside the file, once nothing can change about them any more: in the order of the input. */
  readonly send?: ((lines: readonly PairLine[]) => Promise<void>) | undefined;
}

/**
 * Brings pairs out as seeds end. A line is appended unless it nearly says what one in the file does; which of two that say the same stays is decided in the order of the input, and so for good only when all seeds before are done: `finish`
 * brings the file to that, where it came out otherwise. What goes elsewhere, and what goes in order, waits for that at once.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  /** Of what was appended as seeds completed. */
  readonly #appended: Decisions;
  /** Of all seeds before `#settled`. */
  readonly #final: Decisions;
  #settled = 0;
  /** Of `todo` those that have not ended. */
  readonly #pending: Set<number>;
  #last: Promise<void> = Promise.resolve();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#pending = new Set(options.todo);
    this.#appended = new Decisions(options.config);
    this.#final = new Decisions(options.config);
  }

  /** The seed at this place has an outcome. Resolves when what follows from it is written; one after the other. */
  ended(place: number): Promise<void> {
    const done = this.#last.then(() => this.#ended(place));
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Decides over all that there is, and makes the file that. Resolves with how many pairs were kept, and which were not. */
  async finish(): Promise<{ readonly kept: number; readonly duplicates: ReadonlyMap<string, string> }> {
    await this.#last;
    const { config, outcomes, file, isOrdered } = this.#options;
    const decisions = new Decisions(config);
    const duplicates = new Map<string, string>();
    const kept: string[] = [];
    for await (const { seed, outcome } of outcomes.all()) {
      if (outcome.status !== 'done') continue;
      const decided = decisions.next(seed, outcome.findings);
      kept.push(...decided.kept.map(({ pair_id: id }) => id));
      for (const [id, before] of decided.duplicates) duplicates.set(id, before);
    }
    const wanted = isOrdered ? kept : [...file.ids.filter((id) => !duplicates.has(id)), ...kept.filter((id) => !file.has(id))];
    if (wanted.join() === file.ids.join()) await file.close();
    else await file.rewrite(this.#linesOf(wanted));
    return { kept: kept.length, duplicates };
  }

  async #ended(place: number): Promise<void> {
    const { isOrdered, outcomes } = this.#options;
    this.#pending.delete(place);
    const found = await outcomes.at(place);
    if (!isOrdered && found?.outcome.status === 'done') await this.#append(this.#appended.next(found.seed, found.outcome.findings).kept);
    await this.#settle();
  }

  /** As far as all seeds before have ended. */
  async #settle(): Promise<void> {
    const { seeds, outcomes, isOrdered, send } = this.#options;
    if (!isOrdered && send === undefined) return;
    const hasEnded = (place: number): boolean => !this.#pending.has(place) && outcomes.status(place) !== undefined;
    for (; this.#settled < seeds && hasEnded(this.#settled); this.#settled += 1) {
      const found = await outcomes.at(this.#settled);
      if (found?.outcome.status !== 'done') continue;
      const { kept } = this.#final.next(found.seed, found.outcome.findings);
      if (isOrdered) await this.#append(kept);
      await send?.(kept);
    }
  }

  async #append(lines: readonly PairLine[]): Promise<void> {
    const { file, onPair } = this.#options;
    const fresh = lines.filter(({ pair_id: id }) => !file.has(id));
    await file.append(fresh);
    for (const line of fresh) onPair?.(line);
  }

  /** Lines by their ids. Holds a number for each, and the lines of a seed until their turn. */
  async *#linesOf(wanted: readonly string[]): AsyncGenerator<PairLine, void, undefined> {
    const { outcomes, config } = this.#options;
    const places = new Map<string, number>();
    for await (const { place, seed, outcome } of outcomes.all())
      for (const { pair_id: id } of linesOf(seed, outcome, config)) places.set(id, place);
    const lines = new Map<string, PairLine>();
    for (const id of wanted) {
      const found = lines.has(id) ? undefined : await outcomes.at(places.get(id) ?? -1);
      if (found) for (const line of linesOf(found.seed, found.outcome, config)) lines.set(line.pair_id, line);
      const line = lines.get(id);
      lines.delete(id);
      if (line) yield line;
    }
  }
}

const linesOf = (seed: Seed, outcome: SeedOutcome, { environment_mode: mode }: Config): readonly PairLine[] =>
  outcome.status === 'done' ? pairLines(seed, outcome.findings, mode) : [];
