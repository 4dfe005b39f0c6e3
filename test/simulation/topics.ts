import { decodeCompleted } from '../../src/flow/completed-map.state.ts';
import type { Codec } from '../../src/codec/codec.ts';
import { json } from '../../src/codec/json.ts';
import { headerText, type OutputRecord, recordBytes } from '../../src/record/record.ts';
import type { MemoryTransport } from '../../src/transport/memory/memory.ts';
import type { Event } from './history.ts';
import { type Item, meantFor } from './meant.ts';
import type { Plan, PlannedRecord } from './plan.ts';

export const items = json() as Codec<Item>;
export const source = 'in';
export const dead = 'dead';
export const group = 'sim';

const codes = { poison: 'decode_failed', tombstone: 'unexpected_tombstone', undecodable: 'undecodable_batch' };

/** The logs of one run: what is written to them, what stands in them at the end, what the group has committed. */
export class Topics {
  readonly #plan: Plan;
  readonly #transport: MemoryTransport;
  readonly #saw: (event: Event) => void;
  readonly #idAt = new Map<string, number>(); // by partition@offset
  readonly #ends: number[]; // where each partition has to be committed to in the end
  readonly #committed = new Map<number, number>();
  readonly #stored = new Map<number, string>();
  #ids = 0;

  constructor(plan: Plan, transport: MemoryTransport, saw: (event: Event) => void) {
    this.#plan = plan;
    this.#transport = transport;
    this.#saw = saw;
    this.#ends = Array.from({ length: plan.partitions }, () => 0);
  }

  async create(): Promise<void> {
    await this.#transport.createTopics([source, dead, ...this.#plan.routes].map((name) => ({ name })));
  }

  feed(records: readonly PlannedRecord[]): void {
    const removed = new Set<string>();
    for (const record of records) {
      const at = this.#write(record);
      if (record.removed && record.body === 'value') removed.add(placeName(record.partition, at));
      else this.#announce(record, at);
      this.#ids += 1;
    }
    if (removed.size === 0) return;
    for (let partition = 0; partition < this.#plan.partitions; partition += 1) {
      this.#transport.broker.compact(source, partition, ({ offset }) => !removed.has(placeName(partition, Number(offset))));
    }
  }

  /** What the broker holds of a record; counted in bytes for the caps. */
  #bytesOf({ key, body, padding }: PlannedRecord) {
    const id = this.#ids;
    const value = { value: items.encode({ id, path: '' }), poison: Buffer.from('{"id":'), tombstone: null, undecodable: null }[body];
    if (body === 'undecodable') return { key: null, value, headers: [] };
    return {
      key: key === null ? null : Buffer.from(key),
      value,
      headers: [['id', Buffer.from(String(id))] as const, ['padding', Buffer.alloc(padding)] as const],
    };
  }

  #write(record: PlannedRecord): number {
    const { broker } = this.#transport;
    const { partition, padding } = record;
    if (record.body !== 'undecodable') return Number(broker.append(source, partition, [this.#bytesOf(record)]));
    broker.appendUndecodable(source, partition, { offsets: 1 + (padding % 3), reason: 'planned', bytes: padding });
    return Number(broker.records(source, partition).at(-1)?.offset ?? 0n);
  }

  #announce(record: PlannedRecord, offset: number): void {
    const { partition, body } = record;
    const { ordering } = this.#plan;
    const id = this.#ids;
    const { key } = this.#bytesOf(record);
    const lanes = {
      none: undefined,
      key: key === null ? undefined : `${String(partition)} ${key.toString()}`,
      partition: String(partition),
    };
    const expected = body === 'value' ? meantFor(this.#plan, id) : { outputs: [], codes: [codes[body]], mustFail: true };
    this.#idAt.set(placeName(partition, offset), id);
    this.#ends[partition] = offset + 1;
    const bytes = recordBytes(this.#bytesOf(record));
    this.#saw({ kind: 'input', id, partition, offset, bytes, lane: lanes[ordering], keyed: key !== null, expected });
  }

  /** A producer was told that these are written. */
  acknowledged(app: number, topic: string, records: readonly OutputRecord[]): void {
    for (const record of records) {
      if (topic === dead) {
        const id = this.#idAt.get(sourceOf(record));
        if (id !== undefined) this.#saw({ kind: 'acked', app, id, path: undefined });
      } else this.#saw({ kind: 'acked', app, ...items.decode(record.value) });
    }
  }

  /** Looks what the group has stored. */
  lookAtCommits(): void {
    for (let partition = 0; partition < this.#plan.partitions; partition += 1) {
      const { offset, metadata } = this.#transport.broker.committed(group, source, partition) ?? { offset: 0n, metadata: '' };
      const stored = `${String(offset)} ${metadata}`;
      if (stored === (this.#stored.get(partition) ?? '0 ')) continue;
      this.#stored.set(partition, stored);
      this.#committed.set(partition, Number(offset));
      const completed = decodeCompleted(offset, metadata).flatMap(({ from, to }) =>
        Array.from({ length: Number(to - from) }, (_, i) => Number(from) + i),
      );
      this.#saw({ kind: 'commit', partition, offset: Number(offset), completed });
    }
  }

  /** Partitions that are not committed to their ends, in words. */
  behind(): readonly string[] {
    return this.#ends.flatMap((end, partition) => {
      const committed = this.#committed.get(partition) ?? 0;
      return committed < end ? [`${String(partition)} at ${String(committed)} of ${String(end)}`] : [];
    });
  }

  /** Writes down what stands in the outputs and among the dead letters. */
  read(): void {
    const { broker } = this.#transport;
    for (let partition = 0; partition < this.#plan.partitions; partition += 1) {
      for (const name of this.#plan.routes) {
        const log = `${name}/${String(partition)}`;
        for (const { value } of broker.records(name, partition)) this.#saw({ kind: 'output', log, ...items.decode(value) });
      }
      for (const letter of broker.records(dead, partition)) {
        const [from = '', offset = ''] = sourceOf(letter).split('@');
        const code = headerText(letter.headers, 'millrace.error.code') ?? 'none';
        this.#saw({ kind: 'letter', partition: Number(from), offset: Number(offset), code });
      }
    }
  }
}

const placeName = (partition: number, offset: number): string => `${String(partition)}@${String(offset)}`;

/** The place that a dead letter names. */
const sourceOf = ({ headers }: Pick<OutputRecord, 'headers'>): string =>
  `${headerText(headers, '__streams.errors.partition') ?? ''}@${headerText(headers, '__streams.errors.offset') ?? ''}`;
