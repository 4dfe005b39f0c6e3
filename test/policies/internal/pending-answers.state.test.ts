import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Batch, PendingAnswers } from '../../../src/policies/internal/pending-answers.state.ts';
import { type OutputRecord, recordBytes } from '../../../src/record/record.ts';

const record = (id: string, bytes: number): OutputRecord => ({ key: Buffer.from(id), value: new Uint8Array(bytes), headers: [] });
const partitionOf = ({ key }: OutputRecord): number => (key?.[0] ?? 0) % 2;
const idsOf = (batch: Batch | undefined): string[] => [...(batch?.taken.keys() ?? [])];

describe('PendingAnswers', () => {
  it('takes the oldest, and what else goes to its partition, within the bytes', () => {
    const pending = new PendingAnswers(10_000);
    for (const id of ['a', 'b', 'c', 'd', 'e']) pending.put(id, record(id, 35), false);
    expect(idsOf(pending.take(partitionOf, 250))).toEqual(['a', 'c']);
    expect(idsOf(pending.take(partitionOf, 1))).toEqual(['b']);
    expect(idsOf(pending.take(partitionOf, 1_000))).toEqual(['d']);
    expect(idsOf(pending.take(partitionOf, 1_000))).toEqual(['e']);
    expect([pending.take(partitionOf, 1_000), pending.bytes]).toEqual([undefined, 0]);
  });

  it('takes back what could not be written, in its old place, unless something newer of its key has come', () => {
    const pending = new PendingAnswers(10_000);
    for (const id of ['a', 'c']) pending.put(id, record(id, 1), false);
    const batch = pending.take(partitionOf, 1_000);
    pending.put('c', record('c', 2), true);
    pending.put('e', record('e', 1), false);
    if (batch) pending.giveBack(batch);
    const again = pending.take(partitionOf, 1_000);
    expect(idsOf(again)).toEqual(['a', 'c', 'e']);
    expect(again?.taken.get('c')).toMatchObject({ isRemoval: true, record: { value: new Uint8Array(2) } });
  });

  it('holds no more than its bytes, loses nothing uncounted, and removals last', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
    const step = fc.oneof(
      fc.record({ put: id, bytes: fc.integer({ min: 0, max: 400 }), isRemoval: fc.boolean() }),
      fc.constant('take' as const),
      fc.constant('back' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pending = new PendingAnswers(1_000);
        const model = new Map<string, { readonly bytes: number; readonly isRemoval: boolean }>();
        const out: Batch[] = [];
        const dropped = (gone: number): void => {
          const size = model.size;
          let bytes = [...model.values()].reduce((sum, one) => sum + one.bytes, 0);
          for (const removals of [false, true])
            for (const [key, one] of [...model]) {
              if (bytes <= 1_000 || one.isRemoval !== removals) continue;
              bytes -= one.bytes;
              model.delete(key);
            }
          expect(gone).toBe(size - model.size);
        };
        for (const one of steps) {
          if (one === 'take') {
            const batch = pending.take(partitionOf, 500);
            for (const key of idsOf(batch)) model.delete(key);
            if (batch) out.push(batch);
          } else if (one === 'back') {
            const batch = out.pop();
            if (!batch) continue;
            const newer = [...model];
            model.clear();
            for (const [key, { bytes, isRemoval }] of batch.taken) model.set(key, { bytes, isRemoval });
            for (const [key, given] of newer) {
              model.delete(key);
              model.set(key, given);
            }
            dropped(pending.giveBack(batch));
          } else {
            const { put, bytes, isRemoval } = one;
            model.delete(put);
            model.set(put, { bytes: recordBytes(record(put, bytes)), isRemoval });
            dropped(pending.put(put, record(put, bytes), isRemoval));
          }
          expect([pending.size, pending.bytes]).toEqual([model.size, [...model.values()].reduce((sum, { bytes }) => sum + bytes, 0)]);
          expect(pending.bytes).toBeLessThanOrEqual(1_000);
        }
      }),
      { numRuns: 500 },
    );
  });
});
