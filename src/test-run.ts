import type { Clock } from './clock.ts';
import { Envelope, openEnvelope, take } from './record/envelope.ts';
import { Settlement } from './record/lineage.ts';
import type { Verdict } from './record/outcome.ts';
import type { Position, RecordHeaders } from './record/record.ts';
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
  /** Says whether the source can emit nothing until something is settled. */
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
  const entries = new Map<string, Entry>();
  const nextOffset = new Map<string, bigint>();
  const holds: { reason: string; untilMs: number }[] = [];
  const failures: Error[] = [];
  const open = new OpenParts();
  let written = 0n;
  const run: Run = {
    clock,
    open,
    hold: (reason, untilMs) => {
      holds.push({ reason, untilMs });
    },
    failed: (error) => {
      failures.push(error);
    },
  };

  const nameOf = ({ topic, partition, offset }: Position): string => `${topic}/${String(partition)}@${String(offset)}`;
  const entryOf = (envelope: Envelope<unknown, unknown>): Entry => {
    const entry = entries.get(nameOf(envelope.position));
    if (!entry) throw new Error(`record ${nameOf(envelope.position)} was not made by this test run`);
    return entry;
  };
  const logOf = ({ settlement, verdict }: Entry): TestRecordLog => ({
    position: settlement.position,
    verdict,
    handed: settlement.isHanded,
    attempts: settlement.attempts,
  });

  const envelope = <T, K = string | null>(value: T, record: TestRecord<K> = {}): Envelope<T, K> => {
    const { key = null as K, topic = 'test', partition = 0, headers = [], timestampMs = 0, timeMs = 600_000 } = record;
    const lane = `${topic}/${String(partition)}`;
    const offset = nextOffset.get(lane) ?? 0n;
    nextOffset.set(lane, offset + 1n);
    const position = { topic, partition, offset, epoch: 1 };
    const entry: Entry = {
      verdict: undefined,
      settlement: new Settlement(position, timeMs, run, {
        handed: () => undefined,
        decided: (verdict) => {
          if (entry.verdict)
            throw new Error(`record ${nameOf(position)} was settled twice: ${entry.verdict.outcome}, then ${verdict.outcome}`);
          entry.verdict = verdict;
        },
      }),
    };
    entries.set(nameOf(position), entry);
    const rawKey = typeof key === 'string' ? new TextEncoder().encode(key) : null;
    return openEnvelope({ value, key, rawKey, headers, timestampMs, position }, entry.settlement);
  };

  const each = (one: Envelope<unknown, unknown> | undefined, body: (entry: Entry) => void): void => {
    if (one) body(entryOf(one));
    else for (const entry of entries.values()) if (!entry.verdict) body(entry);
  };

  return {
    run,
    clock,
    holds,
    failures,
    envelope,
    of: (one) => logOf(entryOf(one)),
    records: () => [...entries.values()].map(logOf),
    sink: (one) => {
      const { part } = take(one);
      part.handed();
      part.settle('done', { topic: 'out', partition: 0, offset: written++ });
    },
    giveBack: (reason, one) => {
      each(one, ({ settlement }) => {
        settlement.giveBack(reason);
      });
    },
    expire: (one) => {
      each(one, ({ settlement }) => {
        if (one || settlement.deadlineMs <= clock.nowMs()) settlement.expire();
      });
    },
    sourceBlocked: (blocked) => {
      open.setSourceBlocked(blocked);
    },
  };
}
