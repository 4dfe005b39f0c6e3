import { type Envelope, runOf } from '../../src/record/envelope.ts';
import type { Handle } from '../../src/record/handle.ts';

export interface BatchLimits {
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
}

/** The values of a batch that has not left, at most `maxSize`. */
export class OpenBatch<T, K> {
  readonly #limits: BatchLimits;
  /** Most batches are bounded by their size alone, and need no sums: that is half the time of a value. */
  readonly #isWeighed: boolean;
  #members: BatchMember<T, K>[] = [];
  #bytes = 0;
  #tokens = 0;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
    this.#isWeighed = limits.maxBytes !== Infinity || limits.maxTokens !== Infinity;
  }

  get isEmpty(): boolean {
    return this.#members.length === 0;
  }

  /** Whether the batch must leave before `one` may come in; a value alone is never too much. */
  isTooFullFor(one: BatchMember<T, K>): boolean {
    return (
      this.#isWeighed &&
      !this.isEmpty &&
      (this.#bytes + one.bytes > this.#limits.maxBytes || this.#tokens + one.tokens > this.#limits.maxTokens)
    );
  }

  get isFull(): boolean {
    if (this.#members.length >= this.#limits.maxSize) return true;
    return this.#isWeighed && (this.#bytes >= this.#limits.maxBytes || this.#tokens >= this.#limits.maxTokens);
  }

  get members(): readonly BatchMember<T, K>[] {
    return this.#members;
  }

  add(one: BatchMember<T, K>): void {
    one.handle.part.at('queued');
    this.#members.push(one);
    if (!this.#isWeighed) return;
    this.#bytes += one.bytes;
    this.#tokens += one.tokens;
  }

  /** Forgets members whose records were given back, or failed at their deadline. */
  keepLive(): void {
    if (this.#members.every(({ handle }) => handle.part.live)) return;
    const live = this.takeAll().filter(({ handle }) => handle.part.live);
    for (const one of live) this.add(one);
  }

  /** Forgets all of them. If the stream goes on without this batch, their deadlines find them. */
  clear(): void {
    for (const { handle } of this.takeAll()) handle.part.at('flowing');
  }

  takeAll(): readonly BatchMember<T, K>[] {
    const all = this.#members;
    this.#members = [];
    this.#bytes = 0;
    this.#tokens = 0;
    return all;
  }
}

/** Whether the source can send no other record this way until one of those that wait in these batches is settled. */
export function nothingMoreCanJoin<T, K>(batches: readonly OpenBatch<T, K>[]): boolean {
  const members = batches.flatMap((batch) => batch.members);
  const [first] = members;
  if (!first) return false;
  let depth = 0;
  let claims = 0;
  for (const { handle } of members) {
    depth = Math.max(depth, handle.part.depth);
    claims += handle.part.claims;
  }
  return runOf(first.envelope).open.nothingMoreCan(claims, depth);
}
