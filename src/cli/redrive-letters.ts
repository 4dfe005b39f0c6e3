import { type Clock, sleep } from '../clock.ts';
import { isStreamError, messageOf } from '../errors.ts';
import { OpenedWriters } from '../flow/opened-writers.ts';
import type { Rate } from '../flow/rate.state.ts';
import type { ReadingEnd } from '../flow/reading-end.state.ts';
import { RedrivePartition } from '../flow/redrive-partition.ts';
import type { RedrivePlan, RedriveStep } from '../flow/redrive-plan.ts';
import { wasSent } from '../flow/redrive.state.ts';
import type { Assignment, ConsumeHandlers, Consumer, Fetch, OwnedPartition, Transport } from '../transport/transport.ts';
import type { RedriveTally } from './redrive-tally.ts';

export interface RedriveOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** Aborted: the transaction under way is finished, no other begins. */
  readonly signal: AbortSignal;
  readonly topic: string;
  readonly groupId: string;
  readonly clientId: string;
  readonly plan: RedrivePlan;
  /** What there was when the run began. */
  readonly end: ReadingEnd;
  readonly rate: Rate | undefined;
  readonly tally: RedriveTally;
  /** Something went on: for the live line. */
  readonly onProgress: () => void;
  /** Trouble that passes by itself. */
  readonly onTrouble: (why: string) => void;
}

const mostInTransaction = 500;
const lookEveryMs = 100;

/** How the partitions ended that this member owned last. */
export interface RedriveEnd {
  /** What of them was not looked at: offsets, of which records are as many or fewer. */
  readonly unread: bigint;
  /** Their filters leave more behind than can be noted. */
  readonly full: readonly number[];
}

/**
 * Sends the letters of a topic to where the plan says, one transaction at a time, each with the note of what was sent; ends where
 * the topic ended at the start. Members of the same group share the partitions. Holds one fetch per partition.
 * @throws TransportError, PipelineError what does not pass by itself
 */
export async function redriveLetters(options: RedriveOptions): Promise<RedriveEnd> {
  const { transport, topic, groupId, clientId, signal } = options;
  const redrive = new Redrive(options);
  const onAbort = (): void => {
    redrive.stop();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  let consumer: Consumer | undefined;
  try {
    const { beforeStart, handlers } = redrive;
    consumer = await transport.consume({ groupId, clientId, topics: [topic], from: 'earliest', beforeStart }, handlers);
    redrive.attach(consumer);
    await redrive.finished;
    return redrive.result();
  } finally {
    signal.removeEventListener('abort', onAbort);
    await redrive.close();
    await consumer?.close();
  }
}

class Redrive {
  readonly #end: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly finished = this.#end.promise;
  readonly handlers: ConsumeHandlers;
  readonly #options: RedriveOptions;
  readonly #parts = new Map<number, RedrivePartition>();
  readonly #full = new Set<number>();
  readonly #opened: OpenedWriters;
  readonly #waiting: Fetch[] = [];
  #consumer: Consumer | undefined;
  #busy = false;
  #isStopping = false;
  #isHealthy = true;
  /** It ended because nothing more came. */
  #wasQuiet = false;
  /** The transaction under way. */
  #writing: Promise<unknown> = Promise.resolve();
  #cancelLook: () => void = () => undefined;

  constructor(options: RedriveOptions) {
    this.#options = options;
    this.#opened = new OpenedWriters({
      ...options,
      isFinal: (error) => isStreamError(error) && !error.retryable && error.code !== 'fenced',
      trouble: (_, why) => {
        if (why !== undefined) options.onTrouble(why);
      },
    });
    this.finished.catch(() => undefined); // told to whoever waits for it
    this.handlers = {
      assigned: (partitions) => {
        for (const one of partitions) this.#gain(one);
      },
      revoking: (partitions) => this.#letGo(partitions),
      lost: (partitions) => {
        for (const one of partitions) void this.#lose(one);
        options.onTrouble(
          'the group gave this run up: its process stood still, or was cut off from the broker. It joins again and goes on',
        );
      },
      health: (health) => {
        this.#isHealthy = health.state === 'ok';
        if (health.state !== 'ok') options.onTrouble(health.why);
      },
      fetched: (fetch) => {
        this.#waiting.push(fetch);
        if (!this.#busy) void this.#work();
      },
      failed: (error) => {
        this.#fail(error);
      },
    };
  }

  attach(consumer: Consumer): void {
    this.#consumer = consumer;
    if (this.#busy) consumer.pause([...this.#parts.values()]);
    this.#look();
  }

  stop(): void {
    this.#isStopping = true;
    if (!this.#busy) this.#end.resolve();
  }

  result(): RedriveEnd {
    const { end } = this.#options;
    const unread = this.#parts.size > 0 ? end.unread(this.#parts.keys()) : end.unread();
    return { unread: this.#wasQuiet ? 0n : unread, full: [...this.#full] };
  }

  async close(): Promise<void> {
    this.#isStopping = true;
    this.#cancelLook();
    await this.#writing.catch(() => undefined);
    const parts = [...this.#parts.values()];
    this.#parts.clear();
    await Promise.allSettled([...parts.map((part) => part.close()), this.#opened.stop()]);
  }

  /** Fences the owner before us, before what it has stored is read. */
  readonly beforeStart = (partitions: readonly OwnedPartition[], wanted: () => boolean): Promise<void> =>
    this.#opened.open(partitions, () => wanted() && !this.#isStopping);

  #gain(assignment: Assignment): void {
    const { end, clock, signal, onTrouble, transport, groupId, clientId } = this.#options;
    const { partition, start } = assignment;
    const producer = this.#opened.take(assignment);
    const stillOwned = async (one: OwnedPartition): Promise<boolean> => (await this.#consumer?.stillOwned([one]))?.length === 1;
    try {
      const options = { transport, groupId, clientId, clock, signal, trouble: onTrouble, stillOwned };
      this.#parts.set(partition, new RedrivePartition(assignment, producer, options));
    } catch (error) {
      void producer?.close();
      this.#fail(error);
      return;
    }
    end.reached(partition, start, clock.nowMs());
    if (this.#busy) this.#consumer?.pause([assignment]); // it begins resumed
  }

  async #letGo(partitions: readonly OwnedPartition[]): Promise<void> {
    const parts = partitions.flatMap(({ partition }) => this.#parts.get(partition) ?? []);
    for (const { partition } of parts) this.#parts.delete(partition); // no other transaction of theirs begins
    await this.#writing.catch(() => undefined);
    await Promise.allSettled(parts.map((part) => part.close()));
  }

  async #lose(partition: OwnedPartition): Promise<void> {
    const part = this.#parts.get(partition.partition);
    this.#parts.delete(partition.partition);
    await Promise.allSettled([part?.close(), this.#opened.close(partition)]);
  }

  async #work(): Promise<void> {
    const { clock, end } = this.#options;
    this.#busy = true;
    this.#consumer?.pause([...this.#parts.values()]);
    try {
      for (let fetch = this.#waiting.shift(); fetch && !this.#isStopping; fetch = this.#waiting.shift()) await this.#take(fetch);
      end.woke(clock.nowMs());
      this.#busy = false;
      if (this.#isStopping) this.#end.resolve();
      else this.#consumer?.resume([...this.#parts.values()].filter((part) => !this.#isDone(part)));
    } catch (error) {
      this.#fail(error); // stays busy: nothing more is taken
    }
  }

  async #take(fetch: Fetch): Promise<void> {
    const { end, rate, clock } = this.#options;
    const part = this.#parts.get(fetch.partition);
    if (part?.epoch !== fetch.epoch) return;
    const most = Math.min(mostInTransaction, rate?.atOnce ?? mostInTransaction);
    let steps: RedriveStep[] = [];
    let sends = 0;
    for (const record of fetch.records) {
      if (!end.includes(part.partition, record.offset)) break;
      if (record.offset < part.progress.next) continue;
      const { offset } = record;
      const step: RedriveStep = wasSent(part.progress, offset) ? { offset, what: 'before' } : await this.#options.plan.of(record);
      steps.push(step);
      if (step.what === 'send') sends += 1;
      if (sends < most) continue;
      if (!(await this.#send(part, steps))) return;
      steps = [];
      sends = 0;
    }
    if (!(await this.#send(part, steps))) return;
    const last = fetch.records.at(-1);
    if (last) end.reached(part.partition, last.offset + 1n, clock.nowMs());
  }

  /** False: this partition goes no further here. */
  async #send(part: RedrivePartition, all: readonly RedriveStep[]): Promise<boolean> {
    const { rate, clock, signal, tally, end } = this.#options;
    for (let rest = all; rest.length > 0; ) {
      const steps = rest.slice(0, part.fitting(rest));
      const sends = steps.filter(({ what }) => what === 'send').length;
      if (sends > 0 && rate) await sleep(clock, rate.waitMs(clock.nowMs()), signal).catch(() => undefined);
      if (this.#isStopping || this.#parts.get(part.partition) !== part) return false;
      const taking = part.take(steps);
      this.#writing = taking;
      const redriven = steps.length > 0 ? await taking : ({ end: 'full' } as const);
      if (redriven.end === 'full') this.#full.add(part.partition);
      if (redriven.end !== 'committed') return false;
      rate?.went(redriven.sent, clock.nowMs());
      for (const step of steps) tally.add(step, redriven.refused.has(step.offset));
      end.reached(part.partition, part.progress.next, clock.nowMs());
      this.#options.onProgress();
      rest = rest.slice(steps.length);
    }
    return true;
  }

  #isDone({ partition }: RedrivePartition): boolean {
    return this.#full.has(partition) || this.#options.end.isRead(partition);
  }

  /** Whether all is read, again and again: that nothing more comes is told by nobody. */
  #look(): void {
    const { clock, end } = this.#options;
    if (!this.#isHealthy || this.#busy) end.woke(clock.nowMs());
    const parts = [...this.#parts.values()];
    const isRead = parts.length > 0 && parts.every((part) => this.#isDone(part));
    this.#wasQuiet = !this.#busy && !this.#isStopping && end.isQuiet(clock.nowMs());
    if ((isRead && !this.#busy) || this.#wasQuiet) this.#end.resolve();
    else this.#cancelLook = clock.schedule(lookEveryMs, () => this.#look());
  }

  #fail(error: unknown): void {
    this.#end.reject(error instanceof Error ? error : new Error(messageOf(error)));
  }
}
