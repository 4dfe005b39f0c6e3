import type { DocumentUsage } from './document.ts';
import type { Heard } from './ask.ts';

/** Adds up what the answers for one document took. */
export class Tally {
  readonly #degraded = new Set<string>();
  #usage = { calls: 0, fromJournal: 0, inputTokens: 0, outputTokens: 0 };

  /** Takes note of an answer, and gives it back. */
  heard(answer: Heard): Heard {
    const { calls, fromJournal, inputTokens, outputTokens } = this.#usage;
    for (const step of answer.degraded) this.#degraded.add(step);
    this.#usage = answer.isNew
      ? {
          calls: calls + 1,
          fromJournal,
          inputTokens: inputTokens + answer.inputTokens,
          outputTokens: outputTokens + answer.outputTokens,
        }
      : { ...this.#usage, fromJournal: fromJournal + 1 };
    return answer;
  }

  get usage(): DocumentUsage {
    return this.#usage;
  }

  get degraded(): readonly string[] {
    return [...this.#degraded];
  }
}
