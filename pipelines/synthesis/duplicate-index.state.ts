/** A question as duplicates are looked for: its words, pairs of neighbouring words, and its numbers. */
interface Signature {
  readonly features: readonly string[];
  readonly numbers: string;
}

/**
 * Finds questions that say nearly the same: the same numbers, and at least `similarity` of their words and pairs of words in common (Jaccard). Two problems that differ in a number are two. Holds the features of all that were kept;
 * looks only at those that share a rare place in their order, so that a hundred thousand are no hundred thousand comparisons each.
 * @see Bayardo, Ma, Srikant, "Scaling Up All Pairs Similarity Search" (2007), for the prefixes.
 */
export class DuplicateIndex {
  readonly #similarity: number;
  readonly #kept: Signature[] = [];
  readonly #ids: string[] = [];
  readonly #byFeature = new Map<string, number[]>();

  constructor(similarity: number) {
    this.#similarity = similarity;
  }

  /** Keeps a question, unless one that was kept before says nearly the same: then its id is the result. */
  keep(id: string, question: string): string | undefined {
    const signature = signatureOf(question);
    const prefix = this.#prefixOf(signature);
    const near = this.#nearest(signature, prefix);
    if (near !== undefined) return this.#ids[near];
    const at = this.#kept.length;
    this.#kept.push(signature);
    this.#ids.push(id);
    for (const feature of prefix) {
      const places = this.#byFeature.get(feature);
      if (places) places.push(at);
      else this.#byFeature.set(feature, [at]);
    }
    return undefined;
  }

  #nearest(signature: Signature, prefix: readonly string[]): number | undefined {
    const candidates = new Set(prefix.flatMap((feature) => this.#byFeature.get(feature) ?? []));
    const own = new Set(signature.features);
    for (const at of [...candidates].sort((a, b) => a - b)) {
      const other = this.#kept[at];
      if (other?.numbers === signature.numbers && jaccard(own, other.features) >= this.#similarity) return at;
    }
    return undefined;
  }

  /** Sets that have so much in common share one of these, in one order of all features. */
  #prefixOf({ features }: Signature): readonly string[] {
    const length = features.length - Math.ceil(this.#similarity * features.length - 1e-9) + 1;
    return features.slice(0, Math.max(1, length));
  }
}

function signatureOf(question: string): Signature {
  const words =
    question
      .normalize('NFKD')
      .replaceAll(/\p{M}/gu, '')
      .toLowerCase()
      .match(/\d+(?:[.,]\d+)*|[\p{L}\p{N}]+/gu) ?? [];
  const pairs = words.slice(1).map((word, at) => `${words[at] ?? ''} ${word}`);
  const rare = (a: string, b: string): number => b.length - a.length || (a < b ? -1 : 1); // long ones first: they are in few questions
  const numbers = words.filter((word) => /^\d/.test(word)).sort();
  return { features: [...new Set([...words, ...pairs])].sort(rare), numbers: numbers.join(' ') };
}

function jaccard(one: ReadonlySet<string>, other: readonly string[]): number {
  const common = other.filter((feature) => one.has(feature)).length;
  const all = one.size + other.length - common;
  return all === 0 ? 1 : common / all;
}
