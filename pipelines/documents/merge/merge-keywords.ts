/** The keywords of one chunk, most important first. */
export interface KeywordsPart {
  readonly index: number;
  readonly keywords: readonly string[];
}

export interface MergeKeywordsOptions {
  /** The most that are kept. @defaultValue 10 */
  readonly most?: number;
}

/** The keywords that most chunks name, and of those the ones that were named earlier in their lists, then in the document. Case and white space make no difference; the first way of writing is kept. */
export function mergeKeywords(parts: readonly KeywordsPart[], { most = 10 }: MergeKeywordsOptions = {}): readonly string[] {
  const found = new Map<string, { readonly written: string; chunks: number; rank: number }>();
  for (const { keywords } of parts.toSorted((a, b) => a.index - b.index)) {
    const seen = new Set<string>();
    for (const [place, given] of keywords.entries()) {
      const written = given.trim().replaceAll(/\s+/g, ' ');
      const key = written.normalize('NFKC').toLowerCase();
      if (key === '' || seen.has(key)) continue;
      seen.add(key);
      const known = found.get(key) ?? { written, chunks: 0, rank: 0 };
      known.chunks += 1;
      known.rank += 1 / (place + 1);
      found.set(key, known);
    }
  }
  const ordered = [...found.values()].sort((a, b) => b.chunks - a.chunks || b.rank - a.rank); // stable: then as they came
  return ordered.slice(0, most).map(({ written }) => written);
}
