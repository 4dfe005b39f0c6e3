import type { Findings } from './agent/findings.ts';
import type { Config } from './config.ts';
import { DuplicateIndex } from './duplicate-index.ts';
import { type PairLine, pairLines } from './pair-line.ts';
import type { Seed } from './seed.ts';

/** Pairs of one seed, as they stand beside those of the seeds before it. */
export interface Decided {
  readonly kept: readonly PairLine[];
  /** What says nearly the same as one before it: its id, and that one's. */
  readonly duplicates: ReadonlyMap<string, string>;
}

/**
 * Decides which pairs stay, seed by seed in the order of the input: a question that nearly says what one before it does is a duplicate. Asked in that order about all seeds, what it says depends on what was found, and neither on which
 * seed was done first nor on how many ran at a time. Holds the words of the questions that were kept.
 */
export class Decisions {
  readonly #index: DuplicateIndex;
  readonly #mode: Config['environment_mode'];

  constructor({ duplicate_similarity: similarity, environment_mode: mode }: Config) {
    this.#index = new DuplicateIndex(similarity);
    this.#mode = mode;
  }

  next(seed: Seed, findings: Findings): Decided {
    const duplicates = new Map<string, string>();
    const kept = pairLines(seed, findings, this.#mode).filter(({ pair_id: id, question, answer }) => {
      const before = this.#index.keep(id, question, answer);
      if (before !== undefined) duplicates.set(id, before);
      return before === undefined;
    });
    return { kept, duplicates };
  }
}
