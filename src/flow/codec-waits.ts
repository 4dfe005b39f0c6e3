import { classify } from '../classify.ts';
import type { CancelTimer, Clock } from '../clock.ts';
import { CodecError, isRetryable, messageOf } from '../errors.ts';
import type { SourceRecord } from '../record/record.ts';
import { Backoff } from './backoff.state.ts';
import { waitedOrigin } from './origin.ts';
import type { Owned } from './owned.ts';

/** What the codecs of a topic need for a record and do not have yet; undefined: it can be decoded, or refused, right away. */
export type PendingOf = (topic: string, record: Pick<SourceRecord, 'key' | 'value'>) => Promise<unknown> | undefined;

export interface CodecWaitsOptions {
  readonly clock: Clock;
  /** Undefined: no codec ever waits. */
  readonly pending?: PendingOf | undefined;
  /** The first record of this partition may be read now. */
  readonly readable: (owned: Owned) => void;
}

interface Wait {
  readonly offset: bigint;
  readonly backoff: Backoff;
  /** Whether its promise has resolved before. */
  hasResolved: boolean;
  cancel: CancelTimer;
}

/**
 * Keeps partitions aside while a codec waits for what it needs to read their first record, such as a schema; all others go on. Such a record is not taken, so nothing
 * has to be undone when its partition leaves. A codec that says again and again that asking anew is worth it is asked after waits of 100 ms to 5 s.
 * Holds an entry per partition that waits.
 */
export class CodecWaits {
  readonly #options: CodecWaitsOptions;
  readonly #waits = new Map<Owned, Wait>();

  constructor(options: CodecWaitsOptions) {
    this.#options = options;
  }

  /** Whether `head` has to wait; then its partition is kept aside until it can be read. */
  parks(owned: Owned, head: SourceRecord): boolean {
    const { pending, clock } = this.#options;
    if (pending === undefined || owned.readableHead === head.offset) return false;
    const needed = head.undecodable || owned.wasCompleted(head.offset) ? undefined : asked(pending, owned, head);
    if (needed === undefined) {
      if (this.#waits.size > 0) this.forget(owned);
      owned.readableHead = head.offset;
      return false;
    }
    owned.unreadableSinceMs ??= clock.nowMs();
    let wait = this.#waits.get(owned);
    if (wait?.offset !== head.offset) {
      wait = { offset: head.offset, backoff: new Backoff(100, 5_000), hasResolved: false, cancel: () => undefined };
      this.#waits.set(owned, wait);
    }
    this.#await(owned, wait, needed);
    return true;
  }

  forget(owned: Owned): void {
    this.#waits.get(owned)?.cancel();
    this.#waits.delete(owned);
    owned.unreadableSinceMs = undefined;
  }

  stop(): void {
    for (const owned of [...this.#waits.keys()]) this.forget(owned);
  }

  #await(owned: Owned, wait: Wait, needed: Promise<unknown>): void {
    const isPresent = (): boolean => this.#waits.get(owned) === wait;
    needed.then(
      () => {
        if (!isPresent()) return;
        if (wait.hasResolved) this.#later(owned, wait);
        else this.#options.readable(owned);
        wait.hasResolved = true;
      },
      (error: unknown) => {
        if (!isPresent()) return;
        if (isRetryable(classify(error))) {
          this.#later(owned, wait);
          return;
        }
        this.forget(owned);
        owned.readableHead = wait.offset;
        owned.refusedHead = {
          offset: wait.offset,
          error: error instanceof Error ? error : new CodecError('decode_failed', messageOf(error)),
        };
        this.#options.readable(owned);
      },
    );
  }

  #later(owned: Owned, wait: Wait): void {
    wait.cancel = this.#options.clock.schedule(wait.backoff.failed(), () => this.#options.readable(owned));
  }
}

/** A codec that throws where it should say what it needs is broken for this record; that is for its dead letter to tell. */
function asked(pending: PendingOf, owned: Owned, head: SourceRecord): Promise<unknown> | undefined {
  const topic = owned.isDelayed ? waitedOrigin(head)?.topic : owned.topic;
  if (topic === undefined) return undefined; // it is refused for not saying where it comes from
  try {
    return pending(topic, head);
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new CodecError('decode_failed', messageOf(error)));
  }
}
