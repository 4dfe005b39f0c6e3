/** What was made of one chunk. */
export interface TextPart {
  /** The chunk's place in its document; parts may come in any order. */
  readonly index: number;
  readonly text: string;
}

export interface MergeTextOptions {
  /** Between two parts. @defaultValue an empty line */
  readonly separator?: string;
}

/** Joins texts in the order of their chunks; white space around them goes, and parts without any text are left out. */
export function mergeText(parts: readonly TextPart[], { separator = '\n\n' }: MergeTextOptions = {}): string {
  return parts
    .toSorted((a, b) => a.index - b.index)
    .map(({ text }) => text.trim())
    .filter((text) => text !== '')
    .join(separator);
}

/**
 * Which neighbours are summarised together next: as many as fit into `maxTokens`, in their order, so that a long document is reduced level by level. A part that does not fit beside any
 * other stands alone. Groups are places in `tokens`.
 */
export function planReduction(tokens: readonly number[], maxTokens: number): readonly (readonly number[])[] {
  const groups: number[][] = [];
  let room = 0;
  for (const [place, count] of tokens.entries()) {
    const last = groups.at(-1);
    if (last && count <= room) {
      last.push(place);
      room -= count;
    } else {
      groups.push([place]);
      room = maxTokens - count;
    }
  }
  return groups;
}
