import type { Clock } from './clock.ts';
import { type Envelope, openEnvelope, take } from './record/envelope.ts';
import { Settlement } from './record/lineage.ts';
import type { Verdict } from './record/outcome.ts';
import { formatPartition, formatPosition, type Position, type RecordHeaders } from './record/record.ts';
import { readContext } from './record/record-context.ts';
import { OpenParts, type Run } from './record/run.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';

/** What a test record carries beside its value. */
export interface TestRecord<K> {
  /** @defaultValue null */
  readonly key?: K;
  /** @defaultValue 'test' */
  readonly topic?: string;
  /** @defaultValue 0 */
  readonly partition?: number;
  readonly headers?: RecordHeaders;
  /** @defaultValue 0 */
  readonly timestampMs?: number;
  /** How long the record may take. @defaultValue 600,000 */
  readonly timeMs?: number;
}

/** How one record of a test run stands. */
export interface TestRecordLog {
  readonly position: Position;
  /** Undefined while the record is open. */
  readonly verdict: Verdict | undefined;
  /** Whether every part is in the sink's hands or settled: the next record of its lane may start. */
  readonly handed: boolean;
  readonly attempts: number;
}

/** A pipeline's run without a pipeline: makes envelopes for operators under test and shows how their records end. */
export interface TestRun<C extends Clock = VirtualClock> {
  readonly run: Run;
  readonly clock: C;
  /** What was asked of the source, in order. */
  readonly holds: readonly { readonly reason: string; readonly untilMs: number }[];
  /** The errors of failed parts, in order. */
  readonly failures: readonly Error[];
  /** A record that was just taken; offsets count from 0 in each partition. */
  envelope<T, K = string | null>(value: T, record?: TestRecord<K>): Envelope<T, K>;
  /** The record that `envelope` descends from (the first one, of a batch). */
  of(envelope: Envelope<unknown, unknown>): TestRecordLog;
  /** All records, in the order they were taken. */
  records(): readonly TestRecordLog[];
  /** What the sink does with an output: hands it over, and acknowledges it as written to `out/0@n`. */
  sink(envelope: Envelope<unknown, unknown>): void;
  /** Gives records back, as a revoke does; without `envelope` all that are open. */
  giveBack(reason: string, envelope?: Envelope<unknown, unknown>): void;
  /** What the runtime does at a record's deadline; without `envelope` for all whose deadline has passed. */
  expire(envelope?: Envelope<unknown, unknown>): void;
  /** Says whether the source emits nothing more, whatever is settled. */
  sourceBlocked(blocked: boolean): void;
}

interface Entry {
  readonly settlement: Settlement;
  verdict: Verdict | undefined;
}

/** @param options.clock the run's time. @defaultValue a virtual clock at 0 */
export function testRun(): TestRun;
export function testRun<C extends Clock>(options: { readonly clock: C }): TestRun<C>;
export function testRun(options?: { readonly clock: Clock }): TestRun<Clock> {
  const clock = options?.clock ?? virtualClock();
  const holds: { reason: string; untilMs: number }[] = [];
  const failures: Error[] = [];
  const run: Run = {
    clock,
    random: () => 0.5,
    open: new OpenParts(),
    hold: (reason, untilMs) => {
      holds.push({ reason, untilMs });
    },
    verify: () => undefined,
    waits: new Map(),
    failed: (error) => {
      failures.push(error);
    },
  };
  const records = new TestRecords(run);
  let written = 0n;
  return {
    run,
    clock,
    holds,
    failures,
    envelope: (value, record) => records.make(value, record ?? {}),
    of: (one) => logOf(records.of(one)),
    records: () => records.all().map(logOf),
    sink: (one) => {
      const { part } = take(one);
      part.handed();
      part.settle('done', { topic: 'out', partition: 0, offset: written++ });
    },
    giveBack: (reason, one) => {
      for (const { settlement } of one ? [records.of(one)] : records.open()) settlement.giveBack(reason);
    },
    expire: (one) => {
      const due = one ? [records.of(one)] : records.open().filter(({ settlement }) => settlement.deadlineMs <= clock.nowMs());
      for (const { settlement } of due) settlement.expire();
    },
    sourceBlocked: (blocked) => {
      run.open.setSourceBlocked(blocked ? 'shut' : undefined);
    },
  };
}

const logOf = ({ settlement, verdict }: Entry): TestRecordLog => ({
  position: settlement.position,
  verdict,
  handed: settlement.isHanded,
  attempts: settlement.attempts,
});

class TestRecords {
  readonly #run: Run;
  readonly #entries = new Map<string, Entry>();
  readonly #nextOffset = new Map<string, bigint>();

  constructor(run: Run) {
    this.#run = run;
  }

  make<T, K>(value: T, record: TestRecord<K>): Envelope<T, K> {
    const { key = null as K, topic = 'test', partition = 0, headers = [], timestampMs = 0, timeMs = 600_000 } = record;
    const lane = formatPartition({ topic, partition });
    const offset = this.#nextOffset.get(lane) ?? 0n;
    this.#nextOffset.set(lane, offset + 1n);
    const position = { topic, partition, offset, epoch: 1 };
    const name = formatPosition(position);
    const decided = (verdict: Verdict): void => {
      if (entry.verdict) throw new Error(`record ${name} was settled twice: ${entry.verdict.outcome}, then ${verdict.outcome}`);
      entry.verdict = verdict;
    };
    const settlement = new Settlement(position, timeMs, this.#run, { handed: () => undefined, decided });
    const entry: Entry = { verdict: undefined, settlement };
    this.#entries.set(name, entry);
    const rawKey = typeof key === 'string' ? new TextEncoder().encode(key) : null;
    const { context } = readContext(headers);
    settlement.limit(context.deadlineMs);
    return openEnvelope({ value, key, rawKey, headers, timestampMs, position, context }, settlement);
  }

  of({ position }: Envelope<unknown, unknown>): Entry {
    const entry = this.#entries.get(formatPosition(position));
    if (!entry) throw new Error(`record ${formatPosition(position)} was not made by this test run`);
    return entry;
  }

  all(): Entry[] {
    return [...this.#entries.values()];
  }

  open(): Entry[] {
    return this.all().filter(({ verdict }) => !verdict);
  }
}
