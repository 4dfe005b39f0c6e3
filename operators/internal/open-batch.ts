import { Fifo } from '../../src/fifo.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import type { Handle } from '../../src/record/handle.ts';

export interface BatchLimits {
  /** At each moment: it may follow the calls. */
  readonly maxSize: number;
  readonly maxBytes: number;
  readonly maxTokens: number;
}

/** A value that waits for company. */
export interface BatchMember<T, K> {
  readonly envelope: Envelope<T, K>;
  readonly handle: Handle;
  readonly bytes: number;
  readonly tokens: number;
  /** When it came, where others may leave before it; else now. */
  sinceMs: number | undefined;
}

const isLive = ({ handle }: BatchMember<unknown, unknown>): boolean => handle.part.live;

/** Values that wait to leave together, in order. Fewer than a batch, and one, unless they wait for a call to begin. */
export class OpenBatch<T, K> {
  readonly #limits: BatchLimits;
  /** Most batches are bounded by their size alone, and need no sums: that is half the time of a value. */
  readonly #isWeighed: boolean;
  readonly #members = new Fifo<BatchMember<T, K>>();
  #bytes = 0;
  #tokens = 0;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
    this.#isWeighed = limits.maxBytes !== Infinity || limits.maxTokens !== Infinity;
  }

  get first(): BatchMember<T, K> | undefined {
    return this.#members.peek();
  }

  /** Whether what leaves now is as large as it may be, for values that somebody waits for. */
  get isFull(): boolean {
    if (!this.#seemsFull) return false;
    if (this.#members.size > 2 * this.#limits.maxSize) return true; // enough of them; a look at each would cost too much each time
    this.keepLive();
    return this.#seemsFull;
  }

  get #seemsFull(): boolean {
    const { maxSize, maxBytes, maxTokens } = this.#limits;
    return this.#members.size >= maxSize || (this.#isWeighed && (this.#bytes >= maxBytes || this.#tokens >= maxTokens));
  }

  get members(): Iterable<BatchMember<T, K>> {
    return this.#members;
  }

  add(one: BatchMember<T, K>): void {
    one.handle.part.at('queued');
    this.#members.push(one);
    this.#weigh(one, 1);
  }

  /** Takes out the next batch, from the first on; what is too large for it goes alone, and nothing where nobody waits any more. */
  take(): readonly BatchMember<T, K>[] {
    const { maxSize, maxBytes, maxTokens } = this.#limits;
    const ready: BatchMember<T, K>[] = [];
    let bytes = 0;
    let tokens = 0;
    for (let one = this.#members.peek(); one && ready.length < maxSize; one = this.#members.peek()) {
      bytes += one.bytes;
      tokens += one.tokens;
      if (ready.length > 0 && (bytes > maxBytes || tokens > maxTokens)) break;
      this.#members.shift();
      this.#weigh(one, -1);
      if (isLive(one)) ready.push(one);
      else [bytes, tokens] = [bytes - one.bytes, tokens - one.tokens];
    }
    return ready;
  }

  /** Forgets members whose records were given back, or failed at their deadline. */
  keepLive(): void {
    this.#members.sweep((one) => {
      const live = isLive(one);
      if (!live) this.#weigh(one, -1);
      return live;
    });
  }

  /** Forgets all of them. If the stream goes on without this batch, their deadlines find them. */
  clear(): void {
    for (const { handle } of this.#members.drain()) handle.part.at('flowing');
  }

  #weigh({ bytes, tokens }: BatchMember<T, K>, sign: 1 | -1): void {
    if (!this.#isWeighed) return;
    this.#bytes += sign * bytes;
    this.#tokens += sign * tokens;
  }
}
