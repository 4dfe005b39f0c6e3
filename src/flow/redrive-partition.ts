import { type Clock, sleep } from '../clock.ts';
import { isStreamError, messageOf, PipelineError } from '../errors.ts';
import { formatPartition } from '../record/record.ts';
import type { Assignment } from '../transport/transport.ts';
import { Backoff } from './backoff.state.ts';
import { FencedWriter, type FencedWriterOptions } from './fenced-writer.ts';
import type { RedriveStep } from './redrive-plan.ts';
import { passed, type RedriveProgress, resumeRedrive, type StoredProgress, storedProgress } from './redrive.state.ts';
import { sendAll } from './transaction-write.ts';

export interface RedrivePartitionOptions extends FencedWriterOptions {
  readonly clock: Clock;
  /** Aborted: what is under way is tried a few times more, then given up. */
  readonly signal: AbortSignal;
  readonly trouble: (why: string) => void;
}

/** What became of the steps of one transaction. */
export type Redriven =
  | { readonly end: 'committed'; readonly sent: number; readonly refused: ReadonlySet<bigint> }
  /** What would have to be noted beside the offset is more than the log takes: nothing was sent. */
  | { readonly end: 'full' }
  /** Another member owns the partition: it goes on there. */
  | { readonly end: 'gone' };

const triesAfterAbort = 3;

/**
 * One owned partition of a dead-letter topic. Its letters are sent in transactions that hold the records and the note of what
 * was sent (the group's offset and a map above it), so that a run which is cut off anywhere is taken up by the next without
 * sending anything twice.
 */
export class RedrivePartition {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  stored: Assignment['committed'];
  progress: RedriveProgress;
  /** Lost, or let go: nothing more is written. */
  #isGone = false;
  readonly #writer: FencedWriter;
  readonly #options: RedrivePartitionOptions;

  /** @throws PipelineError `unreadable_metadata` */
  constructor(
    { topic, partition, epoch, start, committed }: Assignment,
    producer: ConstructorParameters<typeof FencedWriter>[1],
    options: RedrivePartitionOptions,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.epoch = epoch;
    this.stored = committed;
    this.#options = options;
    this.#writer = new FencedWriter(this, producer, options);
    try {
      this.progress = resumeRedrive(start, committed);
    } catch (error) {
      throw new PipelineError(
        'unreadable_metadata',
        `group ${options.groupId} has stored something beside its offset of ${this.#name} that is not a map of redriven letters: another program commits for this group`,
        { cause: error },
      );
    }
  }

  #isOver(): boolean {
    return this.#isGone;
  }

  get #name(): string {
    return formatPartition(this);
  }

  /**
   * Takes the next steps, in one transaction where something is to be sent; tried again while it may pass.
   * @throws PipelineError, TransportError what does not pass
   */
  async take(steps: readonly RedriveStep[]): Promise<Redriven> {
    if (!steps.some(({ what }) => what === 'send')) {
      this.progress = this.#after(steps);
      return { end: 'committed', sent: 0, refused: new Set() };
    }
    const { clock, signal, trouble } = this.#options;
    const backoff = new Backoff(50, 5_000);
    const attempt: Attempt = { refused: new Set(), meant: undefined };
    let triesLeft = triesAfterAbort;
    while (!this.#isOver()) {
      try {
        return await this.#attempt(steps, attempt);
      } catch (error) {
        this.#writer.spend();
        if (this.#isOver()) break;
        if (!mayPass(error)) throw error;
        if (isFenced(error) && !(await this.#isStillOurs())) break;
        if (signal.aborted && (triesLeft -= 1) < 0) throw error;
        trouble(`a transaction for ${this.#name} fails and is tried again: ${messageOf(error)}`);
        await sleep(clock, backoff.failed());
      }
    }
    this.#isGone = true;
    return { end: 'gone' };
  }

  async #attempt(steps: readonly RedriveStep[], attempt: Attempt): Promise<Redriven> {
    const writer = this.#writer;
    if (!writer.isOpen && (await writer.reopen(attempt.meant)) === 'committed') return this.#settle(steps, attempt);
    attempt.meant = undefined;
    attempt.refused.clear();
    const transaction = await writer.begin();
    await sendAll(
      transaction,
      steps.flatMap((step) =>
        step.what === 'send' ? [{ ...step.to, sent: () => undefined, refused: () => attempt.refused.add(step.offset) }] : [],
      ),
    );
    const meant = storedProgress(this.#after(steps, attempt.refused));
    const isNothing = sendsOf(steps) === attempt.refused.size;
    if (!meant.isWhole || isNothing) {
      await transaction.abort();
      return isNothing ? this.#settle(steps, attempt) : { end: 'full' };
    }
    const { topic, partition } = this;
    await transaction.storeOffsets(this.#options.groupId, [{ topic, partition, offset: meant.offset, metadata: meant.metadata }]);
    attempt.meant = meant;
    await transaction.commit();
    return this.#settle(steps, attempt);
  }

  #settle(steps: readonly RedriveStep[], { refused, meant }: Attempt): Redriven {
    this.progress = this.#after(steps, refused);
    if (meant) this.stored = { offset: meant.offset, metadata: meant.metadata };
    return { end: 'committed', sent: sendsOf(steps) - refused.size, refused };
  }

  /** How many of the steps, from the first on, can be taken so that what was sent can still be noted; 0: none. */
  fitting(steps: readonly RedriveStep[]): number {
    for (let count = steps.length; count > 0; count >>= 1) if (storedProgress(this.#after(steps.slice(0, count))).isWhole) return count;
    return 0;
  }

  #after(steps: readonly RedriveStep[], refused: ReadonlySet<bigint> = new Set()): RedriveProgress {
    return steps.reduce((progress, { offset, what }) => passed(progress, offset, what !== 'leave' && !refused.has(offset)), this.progress);
  }

  /** Who was fenced asks before it fences back. */
  async #isStillOurs(): Promise<boolean> {
    return this.#options.stillOwned(this).catch(() => true); // nobody can say: the next try asks again
  }

  /** Aborts what is open. Idempotent. */
  async close(): Promise<void> {
    this.#isGone = true;
    await this.#writer.close();
  }
}

interface Attempt {
  readonly refused: Set<bigint>;
  /** What the transaction stores whose commit was asked for and not answered. */
  meant: StoredProgress | undefined;
}

const sendsOf = (steps: readonly RedriveStep[]): number => steps.filter(({ what }) => what === 'send').length;

const isFenced = (error: unknown): boolean => isStreamError(error) && error.code === 'fenced';
const mayPass = (error: unknown): boolean =>
  isStreamError(error) && !(error instanceof PipelineError) && (error.retryable || error.code === 'fenced');
