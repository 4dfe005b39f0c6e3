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
  readonly #values = new Map<number, { readonly value: T; readonly bytes: number }>();
  #first = 0;
  #next = 0;
  readonly #onRead: (bytes: number) => void;
  readonly #waiting: Waiting<T>[] = [];
  #end: { readonly error?: unknown } | undefined;

  /** @param onRead runs when a value of so many bytes is taken out, or forgotten. */
  constructor(onRead: (bytes: number) => void) {
    this.#onRead = onRead;
  }

  /** Values that nobody has read yet. */
  get size(): number {
    return this.#values.size;
  }

  push(value: T, bytes = 0): void {
    const reader = this.#waiting.shift();
    if (reader) {
      reader.resolve({ done: false, value });
      this.#onRead(bytes);
    } else {
      this.#values.set(this.#next, { value, bytes });
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
    for (const { bytes } of this.#values.values()) this.#onRead(bytes);
    this.#values.clear();
    this.#first = this.#next;
    this.complete();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const held = this.#values.get(this.#first);
    if (held) {
      this.#values.delete(this.#first);
      this.#first += 1;
      this.#onRead(held.bytes);
      return Promise.resolve({ done: false, value: held.value });
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
