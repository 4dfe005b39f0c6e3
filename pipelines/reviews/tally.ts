import type { RatedSentence } from './data.ts';
import type { EnrichedReview } from './schema.ts';

/** How often the model and people agree. */
export interface Agreement {
  /** 0 to 1; null where there was nothing to compare. */
  readonly share: number | null;
  readonly of: number;
}

/** What came of a run. */
export interface Summary {
  /** Inputs: the sentences asked for, and the malformed record. */
  readonly records: number;
  readonly done: number;
  readonly failed: number;
  readonly dropped: number;
  /** Without a result when the demo ended: they are still in the input topic. */
  readonly unfinished: number;
  /** Of the results, those that an earlier run left in the output topic. */
  readonly earlier: number;
  /** Results that were there before: after a crash, what was done and not committed is done again. */
  readonly repeated: number;
  readonly tokens: number;
  /** With the people: on sentences that they rate beyond 1 in either direction, and on all but those they rate 0. */
  readonly agreement: { readonly beyond1: Agreement; readonly all: Agreement };
  /** Of a sentence's calls, in ms; null without results. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly seconds: number;
}

/** A dead letter, as far as the demo looks into it. */
export interface DeadLetter {
  /** The sentence; undefined where its record could not be read. */
  readonly id: string | undefined;
  readonly isMalformed: boolean;
}

/** Whose results are waited for: all sentences, and the malformed record. Holds what it needs of each for the summary. */
export class Tally {
  readonly #sentences: ReadonlyMap<string, RatedSentence>;
  readonly #results = new Map<string, { readonly result: EnrichedReview; readonly isEarlier: boolean }>();
  readonly #failed = new Set<string>();
  #malformedFailed = false;
  #repeated = 0;
  #newTokens = 0;

  constructor(sentences: readonly RatedSentence[]) {
    this.#sentences = new Map(sentences.map((sentence) => [sentence.id, sentence]));
  }

  /** Takes a result; undefined when it is none of ours, or was there before. */
  result(result: EnrichedReview, isEarlier: boolean): RatedSentence | undefined {
    const sentence = this.#sentences.get(result.id);
    if (sentence === undefined) return undefined;
    if (this.#results.has(result.id)) {
      this.#repeated += 1;
      return undefined;
    }
    this.#results.set(result.id, { result, isEarlier });
    if (!isEarlier) this.#newTokens += result.tokens;
    return sentence;
  }

  /** Takes a dead letter; false when it is none of ours, or was there before. */
  letter({ id, isMalformed }: DeadLetter): boolean {
    if (isMalformed) {
      if (this.#malformedFailed) this.#repeated += 1;
      const isNew = !this.#malformedFailed;
      this.#malformedFailed = true;
      return isNew;
    }
    if (id === undefined || !this.#sentences.has(id)) return false;
    if (this.#failed.has(id)) {
      this.#repeated += 1;
      return false;
    }
    this.#failed.add(id);
    return true;
  }

  get records(): number {
    return this.#sentences.size + 1;
  }

  get done(): number {
    return this.#results.size;
  }

  /** A sentence may have failed in one run and be done in a later one: then it is done. */
  get failed(): number {
    return [...this.#failed].filter((id) => !this.#results.has(id)).length + (this.#malformedFailed ? 1 : 0);
  }

  get finished(): number {
    return this.done + this.failed;
  }

  get isComplete(): boolean {
    return this.finished >= this.records;
  }

  /** Results of this run, and their tokens. */
  get fresh(): { readonly done: number; readonly tokens: number } {
    return { done: [...this.#results.values()].filter(({ isEarlier }) => !isEarlier).length, tokens: this.#newTokens };
  }

  summary({ dropped, seconds }: { readonly dropped: number; readonly seconds: number }): Summary {
    const all = [...this.#results.values()];
    const latencies = all.map(({ result }) => result.latencyMs);
    return {
      records: this.records,
      done: this.done,
      failed: this.failed,
      dropped,
      unfinished: Math.max(0, this.records - this.finished - dropped),
      earlier: all.filter(({ isEarlier }) => isEarlier).length,
      repeated: this.#repeated,
      tokens: all.reduce((sum, { result }) => sum + result.tokens, 0),
      agreement: { beyond1: this.#agreement(1), all: this.#agreement(0) },
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      seconds: Math.round(seconds * 10) / 10,
    };
  }

  #agreement(beyond: number): Agreement {
    const rated = [...this.#results.values()].flatMap(({ result }) => {
      const rating = this.#sentences.get(result.id)?.rating ?? 0;
      return Math.abs(rating) > beyond ? [agrees(result, rating)] : [];
    });
    return { share: rated.length === 0 ? null : rated.filter(Boolean).length / rated.length, of: rated.length };
  }
}

/** Whether the model sees it as the people do, who do not rate it 0. */
const agrees = ({ sentiment }: Pick<EnrichedReview, 'sentiment'>, rating: number): boolean => (sentiment === 'positive') === rating > 0;

/** The smallest value that is not below the share `q` of them (nearest rank). */
export function quantile(values: readonly number[], q: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}
