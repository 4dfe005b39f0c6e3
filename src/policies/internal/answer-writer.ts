import { atMost, type Clock, sleep } from '../../clock.ts';
import { isStreamError, messageOf } from '../../errors.ts';
import { Backoff } from '../../flow/backoff.state.ts';
import { Partitioner } from '../../flow/partitioner.ts';
import type { OutputRecord } from '../../record/record.ts';
import type { Producer } from '../../transport/transport.ts';
import type { PipelineLog } from '../pipeline-log.ts';
import { type Batch, PendingAnswers } from './pending-answers.state.ts';

const flushMs = 2_000; // within the 3 s that an end gives to what it closes
const sendBytes = 256 * 1024; // far below what brokers take at once
const [firstWaitMs, longestWaitMs] = [100, 10_000];

export interface AnswerWriterOptions {
  readonly log: Pick<PipelineLog, 'transport' | 'clock'>;
  readonly topic: string;
  readonly maxPendingBytes: number;
  readonly trouble: (why: string | undefined) => void;
}

/** Writes what it is given when it can, in its own time. Holds `maxPendingBytes`, and one send. */
export class AnswerWriter {
  readonly counts = { written: 0, refused: 0, dropped: 0, failures: 0 };
  readonly #pending: PendingAnswers;
  readonly #options: AnswerWriterOptions;
  readonly #clock: Clock;
  readonly #backoff = new Backoff(firstWaitMs, longestWaitMs);
  readonly #partitioner = new Partitioner();
  readonly #stopped = new AbortController();
  #producer: Producer | undefined;
  #running: Promise<void> | undefined;

  constructor(options: AnswerWriterOptions) {
    this.#options = options;
    this.#clock = options.log.clock;
    this.#pending = new PendingAnswers(options.maxPendingBytes);
  }

  get pendingBytes(): number {
    return this.#pending.bytes;
  }

  get pending(): number {
    return this.#pending.size;
  }

  put(id: string, record: OutputRecord, isRemoval: boolean): void {
    if (this.#stopped.signal.aborted) return;
    this.counts.dropped += this.#pending.put(id, record, isRemoval);
    this.#running ??= this.#run();
  }

  /** Writes what waits, for 2 s at most. */
  async close(): Promise<void> {
    await atMost(this.#clock, flushMs, this.#running ?? Promise.resolve());
    this.counts.dropped += this.#pending.size;
    this.#stopped.abort();
    await this.#producer?.close();
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // whoever put it goes on first
    const { signal } = this.#stopped;
    while (this.#pending.size > 0 && !signal.aborted) {
      try {
        await this.#writeSome();
        this.#backoff.succeeded();
        this.#options.trouble(undefined);
      } catch (error) {
        this.counts.failures += 1;
        this.#options.trouble(`cannot be written: ${messageOf(error)}`);
        await sleep(this.#clock, this.#backoff.failed(), signal).catch(() => undefined);
      }
    }
    this.#running = undefined;
  }

  async #writeSome(): Promise<void> {
    const { topic, log } = this.#options;
    this.#producer ??= await log.transport.produce({ clientId: 'millrace-cache' });
    const partitions = await this.#producer.partitionsOf(topic);
    const partitionOf = ({ key }: OutputRecord): number => this.#partitioner.choose(key, partitions);
    const batch = this.#pending.take(partitionOf, sendBytes);
    if (batch) await this.#send(this.#producer, batch);
  }

  async #send(producer: Producer, batch: Batch): Promise<void> {
    const { partition, taken } = batch;
    try {
      const records = [...taken.values()].map(({ record }) => record);
      await producer.send(this.#options.topic, partition, records);
      this.counts.written += taken.size;
    } catch (error) {
      if (!isRefused(error)) {
        this.counts.dropped += this.#pending.giveBack(batch);
        throw error;
      }
      if (taken.size === 1) this.counts.refused += 1;
      else await this.#sendEach(producer, batch);
    }
  }

  async #sendEach(producer: Producer, { partition, taken }: Batch): Promise<void> {
    const rest = new Map(taken);
    try {
      for (const one of taken) {
        rest.delete(one[0]);
        await this.#send(producer, { partition, taken: new Map([one]) });
      }
    } catch (error) {
      this.counts.dropped += this.#pending.giveBack({ partition, taken: rest });
      throw error;
    }
  }
}

const isRefused = (error: unknown): boolean =>
  isStreamError(error) && (error.code === 'record_too_large' || error.code === 'record_rejected');
