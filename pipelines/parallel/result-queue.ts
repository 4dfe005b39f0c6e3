interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Values from one side, read by one reader at its own speed. It holds what was not read yet: whoever puts in bounds that by {@link size}. An end or a failure is
 * seen behind all values.
 */
export class ResultQueue<T extends object> {
  /** By the order in which they came: an array's `shift` is quadratic on long queues. */
  readonly #values = new Map<number, T>();
  #first = 0;
  #next = 0;
  readonly #onRead: (value: T) => void;
  readonly #waiting: Waiting<T>[] = [];
  #end: { readonly error?: unknown } | undefined;

  /** @param onRead runs when a value is taken out, or forgotten. */
  constructor(onRead: (value: T) => void) {
    this.#onRead = onRead;
  }

  /** Values that nobody has read yet. */
  get size(): number {
    return this.#values.size;
  }

  push(value: T): void {
    const reader = this.#waiting.shift();
    if (reader) {
      reader.resolve({ done: false, value });
      this.#onRead(value);
    } else {
      this.#values.set(this.#next, value);
      this.#next += 1;
    }
  }

  complete(): void {
    this.#end ??= {};
    this.#tellEnd();
  }

  fail(error: unknown): void {
    this.#end ??= { error };
    this.#tellEnd();
  }

  /** What is not read is forgotten; readers are told that nothing comes. */
  clear(): void {
    for (const value of this.#values.values()) this.#onRead(value);
    this.#values.clear();
    this.#first = this.#next;
    this.complete();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const value = this.#values.get(this.#first);
    if (value !== undefined) {
      this.#values.delete(this.#first);
      this.#first += 1;
      this.#onRead(value);
      return Promise.resolve({ done: false, value });
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#tellEnd();
    });
  }

  #tellEnd(): void {
    if (!this.#end) return;
    for (let one = this.#waiting.shift(); one; one = this.#waiting.shift()) {
      if ('error' in this.#end) {
        one.reject(this.#end.error);
        this.#end = {}; // told once, as a generator does
      } else one.resolve({ done: true, value: undefined });
    }
  }
}
