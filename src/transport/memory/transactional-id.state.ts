import type { Committed } from './group.state.ts';

/** A transaction that is over: what is to be done about it. */
export interface Ended {
  readonly transaction: number;
  readonly committed: boolean;
  /** `topic/partition` of all that it has written to. */
  readonly wrote: readonly string[];
  /** By group, then by `topic/partition`. */
  readonly offsets: ReadonlyMap<string, ReadonlyMap<string, Committed>>;
}

interface Open {
  readonly transaction: number;
  readonly deadlineMs: number;
  /** Its end is decided, and only has to be carried out. */
  committing: boolean;
  readonly wrote: Set<string>;
  readonly offsets: Map<string, Map<string, Committed>>;
}

/**
 * The coordinator's view of one transactional id: who may write under it, and the one transaction it may have. It begins
 * with its first record or offset. Every entry asks for the writer's epoch; a writer of an earlier one is `fenced`, and
 * changes nothing. A commit has two steps as in Kafka: `prepare` decides it, and nobody can undo that; `complete`
 * carries it out. In between, what would begin the next transaction is `busy`: it comes again.
 */
export class TransactionalId {
  #epoch = -1;
  #timeoutMs = 0;
  #open: Open | undefined;

  /** Until when the present transaction may last; nothing, where there is none or its end is decided. */
  get deadlineMs(): number | undefined {
    return this.#open && !this.#open.committing ? this.#open.deadlineMs : undefined;
  }

  /** A new writer takes the name. What the one before it left is ended: committed if that was decided, else aborted. */
  fence(timeoutMs: number): { readonly epoch: number; readonly ended: Ended | undefined } {
    this.#epoch += 1;
    this.#timeoutMs = timeoutMs;
    return { epoch: this.#epoch, ended: this.#end() };
  }

  isCurrent(epoch: number): boolean {
    return epoch === this.#epoch;
  }

  /** A record is written; says to which transaction it belongs. `next` numbers it if it begins with this. */
  wrote(epoch: number, partition: string, next: () => number, nowMs: number): number | 'fenced' | 'busy' {
    const open = this.#enter(epoch, next, nowMs);
    if (typeof open === 'string') return open;
    open.wrote.add(partition);
    return open.transaction;
  }

  stored(
    epoch: number,
    groupId: string,
    offsets: ReadonlyMap<string, Committed>,
    next: () => number,
    nowMs: number,
  ): 'stored' | 'fenced' | 'busy' {
    const open = this.#enter(epoch, next, nowMs);
    if (typeof open === 'string') return open;
    const known = open.offsets.get(groupId) ?? new Map<string, Committed>();
    for (const [partition, committed] of offsets) known.set(partition, committed);
    open.offsets.set(groupId, known);
    return 'stored';
  }

  /** Decides that the transaction is committed. */
  prepare(epoch: number): 'prepared' | 'empty' | 'fenced' {
    if (!this.isCurrent(epoch)) return 'fenced';
    if (!this.#open) return 'empty';
    this.#open.committing = true;
    return 'prepared';
  }

  /** Carries out what `prepare` has decided, unless a new writer has done so meanwhile. */
  complete(): Ended | undefined {
    return this.#open?.committing === true ? this.#end() : undefined;
  }

  abort(epoch: number): Ended | 'empty' | 'fenced' {
    if (!this.isCurrent(epoch)) return 'fenced';
    return this.#end() ?? 'empty';
  }

  /** Aborts a transaction that has lasted too long, and fences its writer. */
  expire(nowMs: number): Ended | undefined {
    const { deadlineMs } = this;
    if (deadlineMs === undefined || nowMs < deadlineMs) return undefined;
    this.#epoch += 1;
    return this.#end();
  }

  #enter(epoch: number, next: () => number, nowMs: number): Open | 'fenced' | 'busy' {
    if (!this.isCurrent(epoch)) return 'fenced';
    if (this.#open?.committing === true) return 'busy';
    this.#open ??= {
      transaction: next(),
      deadlineMs: nowMs + this.#timeoutMs,
      committing: false,
      wrote: new Set(),
      offsets: new Map(),
    };
    return this.#open;
  }

  #end(): Ended | undefined {
    const open = this.#open;
    this.#open = undefined;
    return open && { transaction: open.transaction, committed: open.committing, wrote: [...open.wrote], offsets: open.offsets };
  }
}
