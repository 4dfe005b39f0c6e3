import { type Clock, sleep } from '../../clock.ts';
import { isStreamError, messageOf } from '../../errors.ts';
import { Backoff } from '../../flow/backoff.state.ts';
import { Partitioner } from '../../flow/partitioner.ts';
import type { OutputRecord } from '../../record/record.ts';
import type { Log } from '../../runtime/logging.ts';
import type { Producer, Transport } from '../../transport/transport.ts';
import type { ViaAnswer, ViaTopics, ViaWorkerTold } from './via-topics.ts';

export interface AnswerWriterOptions {
  readonly transport: Transport;
  readonly topics: ViaTopics;
  readonly clock: Clock;
  readonly log: Log;
}

/** Without its place in its run, which it gets here. */
export type UnplacedAnswer = ViaAnswer extends infer One ? (One extends ViaAnswer ? Omit<One, 'seq'> : never) : never;

type Piece = Extract<ViaAnswer, { readonly kind: 'piece' }>;

interface Pending {
  record: ViaAnswer | ViaWorkerTold;
  readonly key: string;
}

const [firstWaitMs, longestWaitMs] = [50, 5_000];
const sendBytes = 256 * 1024; // far below what brokers take at once

/**
 * Writes what workers tell, each request's to one partition and in order. While a write is under way, the pieces of one run are joined: a log that is slow or away makes fewer and longer
 * ones. Holds the answers that are being made, from where the log has them on.
 */
export class AnswerWriter {
  readonly #options: AnswerWriterOptions;
  readonly #stopped = new AbortController();
  readonly #partitioner = new Partitioner();
  readonly #text = new TextEncoder();
  #pending: Pending[] = [];
  /** Told when what waits now is written. */
  #waiting: (() => void)[] = [];
  /** The last that waits of each run. */
  #last = new Map<string, Pending>();
  readonly #seqs = new Map<string, number>();
  #producer: Producer | undefined;
  #running: Promise<void> | undefined;

  constructor(options: AnswerWriterOptions) {
    this.#options = options;
  }

  tell(told: ViaWorkerTold): void {
    this.#add({ record: told, key: told.worker });
  }

  put(answer: UnplacedAnswer): void {
    const { run } = answer;
    const last = this.#last.get(run);
    if (answer.kind === 'piece' && last?.record.kind === 'piece') {
      last.record = joined(last.record, answer);
      return;
    }
    const seq = this.#seqs.get(run) ?? 0;
    this.#seqs.set(run, seq + 1);
    const pending = { record: { ...answer, seq }, key: answer.id };
    this.#last.set(run, pending);
    this.#add(pending);
  }

  /** Nothing more is put of this run. */
  over(run: string): void {
    this.#seqs.delete(run);
  }

  /** Resolves when the log has all that was put before, or this was closed. */
  async written(): Promise<void> {
    if (this.#running === undefined) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#waiting.push(() => resolve(undefined));
    await promise;
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await this.#producer?.close();
  }

  #add(pending: Pending): void {
    if (this.#stopped.signal.aborted) return;
    this.#pending.push(pending);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // whoever put it goes on first
    while ((this.#pending.length > 0 && !this.#stopped.signal.aborted) || this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      if (!this.#stopped.signal.aborted) await this.#writeAll();
      for (const done of waiting) done();
    }
    this.#running = undefined;
  }

  async #writeAll(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    this.#last = new Map();
    const { answers } = this.#options.topics;
    const records = pending.map(({ record, key }): OutputRecord => {
      return { key: this.#text.encode(key), value: answers.value.encode(record), headers: [] };
    });
    const partitions = await this.#untilDone(async () => (await this.#opened()).partitionsOf(answers.name));
    if (partitions === undefined) return;
    const byPartition = Map.groupBy(records, ({ key }) => this.#partitioner.choose(key, partitions));
    await Promise.all([...byPartition].map(([partition, all]) => this.#writeTo(partition, all)));
  }

  async #writeTo(partition: number, records: readonly OutputRecord[]): Promise<void> {
    const name = this.#options.topics.answers.name;
    for (const some of inSends(records)) await this.#untilDone(async () => (await this.#opened()).send(name, partition, some));
  }

  async #opened(): Promise<Producer> {
    return (this.#producer ??= await this.#options.transport.produce({ clientId: 'millrace-serve' }));
  }

  /** A server sees that something is missing where the log takes it never: by its place. */
  async #untilDone<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopped;
    const backoff = new Backoff(firstWaitMs, longestWaitMs);
    while (!signal.aborted) {
      try {
        return await work();
      } catch (error) {
        const mayPass = !isStreamError(error) || error.retryable;
        log[mayPass ? 'warn' : 'error']({ why: messageOf(error) }, 'answers cannot be written to their topic');
        if (!mayPass) return undefined;
        await sleep(clock, backoff.failed(), signal).catch(() => undefined);
      }
    }
    return undefined;
  }
}

const joined = (first: Piece, { text, tokenCount, tokens, toolCalls }: Omit<Piece, 'seq'>): Piece => ({
  ...first,
  text: first.text + text,
  ...(first.tokenCount === undefined && tokenCount === undefined ? {} : { tokenCount: (first.tokenCount ?? 0) + (tokenCount ?? 0) }),
  ...(first.tokens === undefined && tokens === undefined ? {} : { tokens: [...(first.tokens ?? []), ...(tokens ?? [])] }),
  ...(first.toolCalls === undefined && toolCalls === undefined ? {} : { toolCalls: [...(first.toolCalls ?? []), ...(toolCalls ?? [])] }),
});

function inSends(records: readonly OutputRecord[]): readonly (readonly OutputRecord[])[] {
  const sends: OutputRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const own = record.value?.length ?? 0;
    if (bytes + own > sendBytes) {
      sends.push([]);
      bytes = 0;
    }
    sends.at(-1)?.push(record);
    bytes += own;
  }
  return sends;
}
