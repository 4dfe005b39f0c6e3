import type { Clock } from '../clock.ts';
import { recordBytes, type SourceRecord } from '../record/record.ts';
import type { RetryTopic } from '../retry-options.ts';
import type { Consumer } from '../transport/transport.ts';
import { CodecWaits, type PendingOf } from './codec-waits.ts';
import { Delays } from './delays.ts';
import type { Owned } from './owned.ts';
import { Turns } from './turns.state.ts';

const maxAheadBytes = 1024 * 1024; // over all partitions
const enoughAheadBytes = 128 * 1024; // of one partition

export interface AheadOptions {
  readonly clock: Clock;
  /** Topics whose records wait until they are due. */
  readonly retryTopics: readonly RetryTopic[];
  /** Of input topics, by their names. */
  readonly weights: ReadonlyMap<string, number>;
  /** What reading a record needs that is not here yet. @defaultValue nothing ever */
  readonly pending?: PendingOf | undefined;
  /** Records that had to wait are due, or can be read. */
  readonly due: () => void;
}

/** The first record of a partition that was fetched and not taken. */
export interface Head {
  readonly owned: Owned;
  readonly record: SourceRecord;
  readonly bytes: number;
}

/**
 * What was fetched and not taken yet: says whose turn it is, and pauses the partitions of which no more should come.
 * A parked partition, whose next record is not due or cannot be read yet, has no turn; it holds what was fetched before it was paused, 128 KiB and
 * a fetch at most, beyond the common bound.
 */
export class Ahead {
  /** Partitions with something ahead: none starves another. */
  readonly #turns: Turns<Owned>;
  /** Partitions that have what is theirs of the window; in no turn until they are let in again. */
  #sated: Owned[] = [];
  readonly #delays: Delays;
  readonly #codecWaits: CodecWaits;
  #consumer: Pick<Consumer, 'pause' | 'resume'> | undefined;
  #bytes = 0;
  /** Of partitions that are parked. */
  #parkedBytes = 0;

  constructor({ clock, retryTopics, weights, pending, due }: AheadOptions) {
    this.#turns = new Turns(weights);
    const each = (owned: Owned): void => {
      this.#park(owned, false);
      this.#turns.enter(owned);
    };
    this.#delays = new Delays({ clock, retryTopics, each, due });
    const readable = (owned: Owned): void => {
      each(owned);
      due();
    };
    this.#codecWaits = new CodecWaits({ clock, pending, readable });
  }

  get bytes(): number {
    return this.#bytes;
  }

  attach(consumer: Pick<Consumer, 'pause' | 'resume'>, partitions: Iterable<Owned>): void {
    this.#consumer = consumer;
    const paused = [...partitions].filter((one) => one.paused); // decided before there was anyone to tell
    if (paused.length > 0) consumer.pause(paused);
  }

  isDelayed(topic: string): boolean {
    return this.#delays.isDelayed(topic);
  }

  push(owned: Owned, records: readonly SourceRecord[]): void {
    if (owned.ahead.size === 0 && records.length > 0 && !owned.stalled) this.#turns.enter(owned);
    for (const record of records) {
      this.#count(owned, recordBytes(record));
      owned.ahead.push(record);
    }
  }

  /** The record whose turn it is; undefined when there is none, or none that is due and can be read. */
  head(): Head | undefined {
    for (let owned = this.#turns.next(); owned; owned = this.#turns.next()) {
      const record = owned.ahead.peek();
      if (record !== undefined && !this.#parks(owned, record)) return { owned, record, bytes: recordBytes(record) };
      if (record !== undefined) this.#park(owned, true);
      this.#turns.leave(owned);
    }
    return undefined;
  }

  #parks(owned: Owned, head: SourceRecord): boolean {
    return this.#delays.parks(owned, head) || this.#codecWaits.parks(owned, head);
  }

  /** Takes the head; it costs its partition, and its topic, of their turns. */
  take({ owned, bytes }: Head): void {
    owned.ahead.shift();
    this.#count(owned, -bytes);
    this.#turns.charge(owned, bytes);
    if (owned.ahead.size === 0) this.#turns.leave(owned);
  }

  /** The partition of the head gets no turn until `readmit`: others may have what is left of the window. */
  setAside({ owned }: Head): void {
    this.#turns.leave(owned);
    this.#sated.push(owned);
  }

  /** Whether partitions were set aside. */
  get hasSated(): boolean {
    return this.#sated.length > 0;
  }

  readmit(): void {
    if (this.#sated.length === 0) return;
    const all = this.#sated;
    this.#sated = [];
    for (const one of all) if (one.ahead.size > 0 && !one.stalled) this.#turns.enter(one);
  }

  /** The partition of the head gets no turn until it is let in again. */
  stall({ owned }: Head): void {
    this.#turns.leave(owned);
    owned.stalled = true;
  }

  unstall(owned: Owned): void {
    if (!owned.stalled) return;
    owned.stalled = false;
    if (owned.ahead.size > 0) this.#turns.enter(owned);
  }

  /** Forgets what is ahead of a partition. */
  forget(owned: Owned): void {
    this.#delays.forget(owned);
    this.#codecWaits.forget(owned);
    this.#park(owned, false);
    owned.ahead.drain();
    this.#turns.leave(owned);
    this.#count(owned, -owned.aheadBytes);
  }

  stop(): void {
    this.#delays.stop();
    this.#codecWaits.stop();
  }

  /**
   * A partition is paused while enough of it waits, or while too much waits over all. Not until nothing waits: a log
   * whose partitions are all paused sees that one is resumed after up to 0.1 s, with nothing to do meanwhile.
   */
  steer(partitions: Iterable<Owned>, stopped: boolean): void {
    const full = this.#bytes - this.#parkedBytes >= maxAheadBytes;
    const pause: Owned[] = [];
    const resume: Owned[] = [];
    for (const one of partitions) {
      const wanted = stopped || full || one.isParked || one.aheadBytes >= enoughAheadBytes;
      if (one.phase !== 'held' || wanted === one.paused) continue;
      one.paused = wanted;
      (wanted ? pause : resume).push(one);
    }
    if (pause.length > 0) this.#consumer?.pause(pause);
    if (resume.length > 0) this.#consumer?.resume(resume);
  }

  #count(owned: Owned, bytes: number): void {
    owned.aheadBytes += bytes;
    this.#bytes += bytes;
    if (owned.isParked) this.#parkedBytes += bytes;
  }

  /** Minutes of waiting must not use up what all may have fetched. */
  #park(owned: Owned, isParked: boolean): void {
    if (owned.isParked === isParked) return;
    owned.isParked = isParked;
    this.#parkedBytes += isParked ? owned.aheadBytes : -owned.aheadBytes;
  }
}
