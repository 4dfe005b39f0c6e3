const shortest = 64; // in characters
const lengths = 9; // up to 16,384 characters

/** The beginnings of a prompt that are looked at: of 64 characters and each twice as long as the one before, up to 16,384. */
export function prefixesOf(prompt: string): readonly string[] {
  const found: string[] = [];
  for (let i = 0, length = shortest; i < lengths && length <= prompt.length; i += 1, length *= 2) found.push(prompt.slice(0, length));
  return found;
}

/** The beginnings of what runs. Holds at most nine for each call. */
export class RunningPrefixes {
  readonly #count = new Map<string, number>();

  get size(): number {
    return this.#count.size;
  }

  start(prefixes: readonly string[]): void {
    for (const prefix of prefixes) this.#count.set(prefix, (this.#count.get(prefix) ?? 0) + 1);
  }

  end(prefixes: readonly string[]): void {
    for (const prefix of prefixes) {
      const left = (this.#count.get(prefix) ?? 0) - 1;
      if (left > 0) this.#count.set(prefix, left);
      else this.#count.delete(prefix);
    }
  }

  /** How many of these beginnings something that runs has, too. */
  shared(prefixes: readonly string[]): number {
    let shared = 0;
    while (shared < prefixes.length && this.#count.has(prefixes[shared] ?? '')) shared += 1;
    return shared;
  }
}
