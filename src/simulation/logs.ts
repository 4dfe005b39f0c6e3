import { decodeCompleted } from '../flow/completed-map.state.ts';
import { deadLetterHeaders } from '../flow/dead-letters.ts';
import {
  formatPartition,
  formatPosition,
  headerText,
  type OutputPosition,
  type OutputRecord,
  parsePartition,
  recordBytes,
  type SourceRecord,
} from '../record/record.ts';
import type { Ordering } from '../record/ordering.ts';
import type { MemoryTransport } from '../transport/memory/memory.ts';
import type { RetryTopic } from '../retry-options.ts';
import type { FedRecord, WorldPlan } from './deed.ts';
import type { Event } from './history.ts';
import { placeOf } from './problem.ts';
import type { Subject } from './subject.ts';

/** The logs of one run: what is written to them, what stands in them at the end, what the group has committed. */
export class Logs {
  readonly #plan: WorldPlan;
  readonly #subject: Subject;
  readonly #transport: MemoryTransport;
  readonly #saw: (event: Event) => void;
  readonly #numberAt = new Map<string, number>(); // by topic/partition@offset
  /** Where each partition has to be committed to in the end. */
  readonly #ends = new Map<string, number>();
  readonly #committed = new Map<string, number>();
  readonly #stored = new Map<string, string>();
  readonly #retryTopics: ReadonlyMap<string, RetryTopic>;
  /** Copies that have been told of, by their places. */
  readonly #copies = new Set<string>();

  constructor(plan: WorldPlan, subject: Subject, transport: MemoryTransport, saw: (event: Event) => void) {
    this.#plan = plan;
    this.#subject = subject;
    this.#transport = transport;
    this.#saw = saw;
    this.#retryTopics = new Map((plan.retryTopics ?? []).map((one) => [one.name, one]));
  }

  async create(): Promise<void> {
    const { inputs, outputs, deadLetter } = this.#plan;
    const names = new Set([...inputs, ...outputs, ...(deadLetter === undefined ? [] : [deadLetter]), ...this.#retryTopics.keys()]);
    await this.#transport.createTopics([...names].map((name) => ({ name })));
  }

  feed(records: readonly FedRecord[]): void {
    const removed = new Map<string, Set<bigint>>();
    for (const record of records) {
      const offset = this.#write(record);
      const log = formatPartition(record);
      if (record.removed === true) removed.set(log, (removed.get(log) ?? new Set()).add(offset));
      else this.#announce(record, Number(offset));
    }
    for (const [log, gone] of removed) {
      const { topic, partition } = parsePartition(log);
      this.#transport.broker.compact(topic, partition, ({ offset }) => !gone.has(offset));
    }
  }

  recordAt(position: OutputPosition): number | undefined {
    return this.#numberAt.get(formatPosition(position));
  }

  #write(record: FedRecord): bigint {
    const { broker } = this.#transport;
    const { topic, partition, undecodable } = record;
    if (!undecodable) return broker.append(topic, partition, [record]);
    broker.appendUndecodable(topic, partition, { ...undecodable, reason: 'planned' });
    return broker.records(topic, partition).at(-1)?.offset ?? 0n;
  }

  #announce(record: FedRecord, offset: number): void {
    const { record: number, expected, undecodable } = record;
    const held = undecodable ? { key: null, value: null, headers: [] } : record;
    const log = formatPartition(record);
    this.#numberAt.set(placeOf(log, offset), number);
    this.#ends.set(log, offset + 1);
    const [bytes, lane, keyed] = [recordBytes(held), laneName(this.#plan.ordering, log, held.key), held.key !== null];
    this.#saw({ kind: 'input', record: number, log, offset, bytes, lane, keyed, expected });
  }

  /** Whose output it is: of a dead letter, or of a record that waits, the record that it names, with no part. */
  identify(topic: string, output: OutputRecord): { readonly record: number | undefined; readonly part: string | undefined } {
    if (topic !== this.#plan.deadLetter && !this.#retryTopics.has(topic)) return this.#subject.identify(topic, output);
    const { log, offset } = sourceOf(output);
    return { record: this.#numberAt.get(placeOf(log, offset)), part: undefined };
  }

  /** Which run a record waits for in this topic; undefined where none waits. */
  roundOf(topic: string): number | undefined {
    const round = [...this.#retryTopics.keys()].indexOf(topic);
    return round < 0 ? undefined : round + 1;
  }

  /** The place of a copy in a retry topic; the first time it is told of. */
  copyAt(topic: string, partition: number, { offset, headers }: SourceRecord): string | undefined {
    const [round, waits] = [this.roundOf(topic), this.#retryTopics.get(topic)];
    if (round === undefined || !waits) return undefined;
    const source = sourceOf({ headers });
    const record = this.#numberAt.get(placeOf(source.log, source.offset));
    if (record === undefined) return undefined;
    const failedMs = Date.parse(headerText(headers, deadLetterHeaders.failedAt) ?? '');
    const dueMs = Math.max(failedMs + waits.delayMs, Number(headerText(headers, deadLetterHeaders.notBefore)));
    const log = formatPartition({ topic, partition });
    const at = formatPosition({ topic, partition, offset });
    if (!this.#copies.has(at)) this.#saw({ kind: 'copy', record, log, offset: Number(offset), at, round, dueMs });
    this.#copies.add(at);
    return at;
  }

  /** Looks what the group has stored. */
  lookAtCommits(): void {
    const { inputs, partitions, groupId } = this.#plan;
    for (const topic of [...inputs, ...this.#retryTopics.keys()]) {
      for (let partition = 0; partition < partitions; partition += 1) {
        const log = formatPartition({ topic, partition });
        const { offset, metadata } = this.#transport.broker.committed(groupId, topic, partition) ?? { offset: 0n, metadata: '' };
        const stored = `${String(offset)} ${metadata}`;
        if (stored === (this.#stored.get(log) ?? '0 ')) continue;
        this.#stored.set(log, stored);
        this.#committed.set(log, Number(offset));
        const completed = decodeCompleted(offset, metadata).flatMap(({ from, to }) =>
          Array.from({ length: Number(to - from) }, (_, i) => Number(from) + i),
        );
        this.#saw({ kind: 'commit', log, offset: Number(offset), completed });
      }
    }
  }

  /** Partitions that are not committed to their ends, in words. */
  behind(): readonly string[] {
    this.lookAtCommits(); // what a transaction has committed may show later than its answer, or without one
    return [...this.#ends, ...this.#endsOfRetries()].flatMap(([log, end]) => {
      const committed = this.#committed.get(log) ?? 0;
      return committed < end ? [`${log} at ${String(committed)} of ${String(end)}`] : [];
    });
  }

  *#endsOfRetries(): Generator<readonly [string, number]> {
    for (const topic of this.#retryTopics.keys())
      for (let partition = 0; partition < this.#plan.partitions; partition += 1) {
        const last = this.#transport.broker.lastOffset(topic, partition);
        if (last !== undefined) yield [formatPartition({ topic, partition }), Number(last) + 1];
      }
  }

  /** Writes down what stands in the outputs and among the dead letters. */
  read(): void {
    const { broker } = this.#transport;
    const { outputs, deadLetter, partitions } = this.#plan;
    for (let partition = 0; partition < partitions; partition += 1) {
      for (const topic of outputs) {
        const log = formatPartition({ topic, partition });
        for (const output of broker.records(topic, partition))
          this.#saw({ kind: 'output', log, ...this.#subject.identify(topic, output), at: placeOf(log, Number(output.offset)) });
      }
      if (deadLetter === undefined) continue;
      for (const letter of broker.records(deadLetter, partition)) {
        const code = headerText(letter.headers, deadLetterHeaders.code) ?? 'none';
        const at = formatPosition({ topic: deadLetter, partition, offset: letter.offset });
        this.#saw({ kind: 'letter', ...sourceOf(letter), code, at });
      }
    }
  }
}

function laneName(ordering: Ordering, log: string, key: Uint8Array | null): string | undefined {
  if (ordering === 'none' || (ordering === 'key' && key === null)) return undefined;
  return ordering === 'partition' ? log : `${log} ${Buffer.from(key ?? []).toString('latin1')}`;
}

/** The place that a dead letter names. */
function sourceOf({ headers }: Pick<OutputRecord, 'headers'>): { readonly log: string; readonly offset: number } {
  const [topic = '', partition = '', offset = ''] = [deadLetterHeaders.topic, deadLetterHeaders.partition, deadLetterHeaders.offset].map(
    (name) => headerText(headers, name),
  );
  return { log: `${topic}/${partition}`, offset: Number(offset) };
}
