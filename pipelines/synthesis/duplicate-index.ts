import { stemOf } from './agent/stem-of.ts';
import { isMark, wordsOf } from './agent/words-of.ts';

/** A question as duplicates are looked for: its words, pairs of neighbouring words, and its numbers. */
interface Signature {
  readonly features: readonly string[];
  readonly numbers: string;
  /** Words that say what it is about, without their endings. */
  readonly content: readonly string[];
  readonly answer: string;
}

/** Of the words that say what a question is about, where the answers are the same. */
const leastCommon = 0.5;
/** Of the words of the shorter question. */
const leastOfShorter = 0.6;
/** Where the answer is one that many questions have. */
const leastCommonOfFew = 0.75;
const fewAnswers = /^(?:yes|no|true|false|\d{1,2})?$/;
/** Questions with one answer (yes, 2) that are looked at. */
const mostAlike = 1_000;

const place = (places: Map<string, number[]>, key: string, at: number): void => {
  const found = places.get(key);
  if (found) found.push(at);
  else places.set(key, [at]);
};

/**
 * Finds questions that say nearly the same: the same numbers, and at least `similarity` of their words and pairs of words in common (Jaccard), or the same answer and half of the words that say what it is about, as where one asks who did it and the other by whom it was done. Two problems that differ in a number are two, and so are
 * those that differ in a word and have different numbers for answers. Holds the features of all that were kept;
 * looks only at those that share a rare place in their order, so that a hundred thousand are no hundred thousand comparisons each.
 * @see Bayardo, Ma, Srikant, "Scaling Up All Pairs Similarity Search" (2007), for the prefixes.
 */
export class DuplicateIndex {
  readonly #similarity: number;
  readonly #kept: Signature[] = [];
  readonly #ids: string[] = [];
  readonly #byFeature = new Map<string, number[]>();
  readonly #byAnswer = new Map<string, number[]>();

  constructor(similarity: number) {
    this.#similarity = similarity;
  }

  /** Keeps a question, unless one that was kept before says nearly the same: then its id is the result. */
  keep(id: string, question: string, answer: string): string | undefined {
    const signature = signatureOf(question, answer);
    const prefix = this.#prefixOf(signature);
    const near = this.#nearest(signature, prefix) ?? this.#reworded(signature);
    if (near !== undefined) return this.#ids[near];
    const at = this.#kept.length;
    this.#kept.push(signature);
    this.#ids.push(id);
    for (const feature of prefix) place(this.#byFeature, feature, at);
    place(this.#byAnswer, signature.answer, at);
    return undefined;
  }

  /** The same answer, and at least half of what is spoken of. */
  #reworded({ content, numbers, answer }: Signature): number | undefined {
    const own = new Set(content);
    const least = fewAnswers.test(answer) ? leastCommonOfFew : leastCommon;
    return (this.#byAnswer.get(answer) ?? []).slice(0, mostAlike).find((at) => {
      const other = this.#kept[at];
      if (other?.numbers !== numbers || content.length === 0) return false;
      return jaccard(own, other.content) >= least || (least === leastCommon && isMostly(own, other.content));
    });
  }

  #nearest(signature: Signature, prefix: readonly string[]): number | undefined {
    const candidates = new Set(prefix.flatMap((feature) => this.#byFeature.get(feature) ?? []));
    const own = new Set(signature.features);
    for (const at of [...candidates].sort((a, b) => a - b)) {
      const other = this.#kept[at];
      if (other?.numbers !== signature.numbers) continue;
      // "buys seven" and "sells seven" are two problems, as their results show
      const isOther = other.answer !== signature.answer && isNumber(other.answer) && isNumber(signature.answer);
      if (jaccard(own, other.features) >= (isOther ? 1 : this.#similarity)) return at;
    }
    return undefined;
  }

  /** Sets that have so much in common share one of these, in one order of all features. */
  #prefixOf({ features }: Signature): readonly string[] {
    const length = features.length - Math.ceil(this.#similarity * features.length - 1e-9) + 1;
    return features.slice(0, Math.max(1, length));
  }
}

function signatureOf(question: string, answer: string): Signature {
  const words = wordsOf(question);
  const pairs = words.slice(1).map((word, at) => `${words[at] ?? ''} ${word}`);
  const rare = (a: string, b: string): number => b.length - a.length || (a < b ? -1 : 1); // long ones first: they are in few questions
  const numbers = words.filter((word) => /^-?\d/.test(word)).sort();
  const content = [...new Set(words.filter((word) => !small.has(word) && !isMark(word)).map(stemOf))];
  return {
    features: [...new Set([...words, ...pairs])].sort(rare),
    numbers: numbers.join(' '),
    content,
    answer: wordsOf(answer).join(' '),
  };
}

/** Words of English questions that say nothing of what is asked about, or no more than the answer does. */
const small = new Set(
  (
    'a an the who whom whose which what where when why how many much is are was were be been did does do has have had of in on at to by for with from that this it its and or as name called s ' +
    'year date person people number city town country place'
  ).split(' '),
);

const isNumber = (answer: string): boolean => /^-?\d+(\.\d+)?$/.test(answer);

/** Whether the shorter of two says little that the longer does not: who asks in more words asks the same. */
function isMostly(one: ReadonlySet<string>, other: readonly string[]): boolean {
  const common = other.filter((feature) => one.has(feature)).length;
  return common >= 2 && common / Math.min(one.size, other.length) >= leastOfShorter;
}

function jaccard(one: ReadonlySet<string>, other: readonly string[]): number {
  const common = other.filter((feature) => one.has(feature)).length;
  const all = one.size + other.length - common;
  return all === 0 ? 1 : common / all;
}
