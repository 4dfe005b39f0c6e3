import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutputRecord } from '../../../src/record/record.ts';
import { PartitionLog } from '../../../src/transport/memory/partition-log.state.ts';

const rec = (size = 0, rest: Partial<OutputRecord> = {}): OutputRecord => ({
  key: null,
  value: new Uint8Array(size),
  headers: [],
  ...rest,
});
const offsets = (log: PartitionLog, from = 0n, maxBytes = Infinity, maxRecords = Infinity): bigint[] =>
  log.read(from, maxBytes, maxRecords).records.map(({ offset }) => offset);

const touched = (written: readonly { readonly transaction: number | undefined }[], transaction: number): boolean =>
  written.some((one) => one.transaction === transaction);

/** What the log must be equal to: every offset kept, with its size as the log counts it. */
interface Model {
  kept: { offset: bigint; bytes: number }[];
  low: bigint;
  high: bigint;
}

const command = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), sizes: fc.array(fc.nat({ max: 300 }), { maxLength: 5 }) }),
  fc.record({ kind: fc.constant('skip' as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('truncate' as const), before: fc.nat({ max: 30 }) }),
  fc.record({ kind: fc.constant('compact' as const), every: fc.integer({ min: 2, max: 4 }) }),
);

const retentionBytes = 1000;

function apply(model: Model, log: PartitionLog, step: typeof command extends fc.Arbitrary<infer T> ? T : never): void {
  switch (step.kind) {
    case 'append': {
      expect(
        log.append(
          step.sizes.map((size) => rec(size)),
          0,
        ),
      ).toBe(model.high);
      for (const size of step.sizes) {
        model.kept.push({ offset: model.high, bytes: size + 64 });
        model.high += 1n;
      }
      while (model.kept.length > 1 && model.kept.reduce((sum, { bytes }) => sum + bytes, 0) > retentionBytes) {
        model.kept.shift();
        model.low = model.kept[0]?.offset ?? model.high;
      }
      return;
    }
    case 'skip':
      log.skip(step.count);
      model.high += BigInt(step.count);
      return;
    case 'truncate': {
      const before = BigInt(step.before);
      log.truncate(before);
      const low = before > model.high ? model.high : before;
      if (low > model.low) model.low = low;
      model.kept = model.kept.filter(({ offset }) => offset >= model.low);
      return;
    }
    case 'compact':
      log.compact(({ offset }) => Number(offset) % step.every !== 0);
      model.kept = model.kept.filter(({ offset }) => Number(offset) % step.every !== 0);
  }
}

describe('PartitionLog', () => {
  it('is the list of what was appended less what was forgotten, whatever happens to it', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 40 }),
        fc.nat({ max: 60 }),
        fc.nat({ max: 500 }),
        fc.integer({ min: 1, max: 6 }),
        (steps, from, maxBytes, maxRecords) => {
          const log = new PartitionLog(retentionBytes);
          const model: Model = { kept: [], low: 0n, high: 0n };
          for (const step of steps) apply(model, log, step);
          expect({ low: log.low, high: log.high, kept: offsets(log) }).toEqual({
            low: model.low,
            high: model.high,
            kept: model.kept.map(({ offset }) => offset),
          });

          const expected: bigint[] = [];
          let bytes = 0;
          for (const one of model.kept.filter(({ offset }) => offset >= BigInt(from))) {
            bytes += one.bytes;
            if (expected.length === maxRecords || (expected.length > 0 && bytes > maxBytes)) break;
            expected.push(one.offset);
          }
          const { records, next } = log.read(BigInt(from), maxBytes, maxRecords);
          expect(records.map(({ offset }) => offset)).toEqual(expected);
          // going on at `next` leaves nothing out and repeats nothing
          const rest = offsets(log, next);
          expect([...expected, ...rest]).toEqual(model.kept.map(({ offset }) => offset).filter((offset) => offset >= BigInt(from)));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('shows of transactions what is committed, up to the first record of one that is open, whatever happens beside it', () => {
    const transactional = fc.oneof(
      fc.record({
        kind: fc.constant('append' as const),
        count: fc.nat({ max: 3 }),
        transaction: fc.option(fc.nat({ max: 3 }), { nil: undefined }),
      }),
      fc.record({ kind: fc.constant('end' as const), transaction: fc.nat({ max: 3 }), committed: fc.boolean() }),
      fc.record({ kind: fc.constant('skip' as const) }),
      fc.record({ kind: fc.constant('truncate' as const), before: fc.nat({ max: 12 }) }),
      fc.record({ kind: fc.constant('compact' as const) }),
    );
    fc.assert(
      fc.property(
        fc.array(transactional, { maxLength: 40 }),
        fc.nat({ max: 40 }),
        fc.integer({ min: 1, max: 4 }),
        (steps, from, maxRecords) => {
          const log = new PartitionLog(Infinity);
          let written: { readonly offset: bigint; readonly transaction: number | undefined }[] = [];
          let [low, high] = [0n, 0n];
          const seen: bigint[] = []; // by a reader that is always there
          let position = 0n;
          for (const step of steps) {
            const open = written.find(({ transaction }) => transaction !== undefined)?.offset;
            if (step.kind === 'append') {
              log.append(
                Array.from({ length: step.count }, () => rec()),
                0,
                step.transaction,
              );
              for (let i = 0; i < step.count; i += 1) written.push({ offset: high++, transaction: step.transaction });
            } else if (step.kind === 'end') {
              log.end(step.transaction, step.committed);
              if (!touched(written, step.transaction)) continue;
              high += 1n;
              written = written.flatMap((one) =>
                one.transaction !== step.transaction ? [one] : step.committed ? [{ ...one, transaction: undefined }] : [],
              );
            } else if (step.kind === 'skip') {
              log.skip(1);
              high += 1n;
            } else if (step.kind === 'compact') {
              log.compact(({ offset }) => offset % 2n === 0n);
              written = written.filter(({ offset }) => offset % 2n === 0n || (open !== undefined && offset >= open));
            } else {
              const before = BigInt(step.before);
              if (open !== undefined && before > open) continue; // what is cut off below an open one is another matter
              log.truncate(before);
              low = before > high ? high : before > low ? before : low;
              written = written.filter(({ offset }) => offset >= low);
            }
            const { records, next } = log.read(position, Infinity, maxRecords);
            expect(next).toBeGreaterThanOrEqual(position);
            seen.push(...records.map(({ offset }) => offset));
            position = next;
          }
          const stable = written.find(({ transaction }) => transaction !== undefined)?.offset ?? high;
          const visible = written.filter(({ offset }) => offset < stable).map(({ offset }) => offset);
          expect({ high: log.high, stable: log.lastStable }).toEqual({ high, stable });
          expect(offsets(log)).toEqual(visible);
          expect(log.lastReadable).toBe(visible.at(-1));
          expect(offsets(log, BigInt(from))).toEqual(visible.filter((offset) => offset >= BigInt(from)));
          expect(position).toBeLessThanOrEqual(stable);
          expect([...new Set(seen)].sort((a, b) => Number(a - b))).toEqual(seen); // in order, none twice
          for (const offset of visible) if (offset < position) expect(seen).toContain(offset); // and none left out
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('forgets a long past without keeping it', () => {
    const log = new PartitionLog(64 * 10);
    for (let i = 0; i < 10_000; i += 1) log.append([rec()], 0);
    expect([log.low, log.high]).toEqual([9990n, 10_000n]);
    expect(offsets(log, 9000n)).toEqual(Array.from({ length: 10 }, (_, index) => BigInt(9990 + index)));
  });

  it('cannot be changed from outside, neither by who wrote nor by who read', () => {
    const log = new PartitionLog(1000);
    const bytes = Buffer.from('abc');
    log.append([{ key: bytes, value: bytes, headers: [['h', bytes]] }], 5);
    bytes.fill(0);
    const read = () => log.read(0n, Infinity, 1).records[0];
    read()?.key?.fill(1);
    read()?.value?.fill(1);
    read()?.headers[0]?.[1]?.fill(1);
    const abc = new Uint8Array([97, 98, 99]);
    expect(read()).toEqual({ offset: 0n, timestampMs: 5, key: abc, value: abc, headers: [['h', abc]] });
  });

  it('counts whole milliseconds', () => {
    const log = new PartitionLog(1000);
    log.append([rec(0), rec(0, { timestampMs: 7 })], 12.9);
    expect(log.read(0n, Infinity, 2).records.map(({ timestampMs }) => timestampMs)).toEqual([12, 7]);
  });

  it('keeps an unreadable range as one record at its last offset', () => {
    const log = new PartitionLog(1000);
    log.append([rec()], 0);
    log.appendUndecodable(3, 'checksum', 99, 8);
    log.append([rec()], 0);
    expect(offsets(log)).toEqual([0n, 3n, 4n]);
    expect(log.read(1n, Infinity, 1).records[0]).toMatchObject({
      offset: 3n,
      timestampMs: 8,
      key: null,
      value: null,
      undecodable: { firstOffset: 1n, reason: 'checksum', bytes: 99 },
    });
  });
});
