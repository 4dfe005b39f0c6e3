import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heap } from '../../../src/policies/internal/heap.state.ts';

interface Entry {
  readonly key: number;
  at: number;
}

const heapOf = (keys: readonly number[]): { readonly heap: Heap<Entry>; readonly entries: readonly Entry[] } => {
  const heap = new Heap<Entry>((a, b) => a.key < b.key);
  const entries = keys.map((key) => ({ key, at: -1 }));
  for (const entry of entries) heap.push(entry);
  return { heap, entries };
};

function drained(heap: Heap<Entry>): number[] {
  const keys: number[] = [];
  for (let top = heap.peek(); top; top = heap.peek()) {
    keys.push(top.key);
    heap.remove(top);
  }
  return keys;
}

const distinct = fc.uniqueArray(fc.integer(), { maxLength: 60 });
const sorted = (keys: readonly number[]): number[] => [...keys].sort((a, b) => a - b);

describe('Heap', () => {
  it('gives out what is left in order, whoever left from its middle', () => {
    fc.assert(
      fc.property(distinct, fc.array(fc.nat()), (keys, gone) => {
        const { heap, entries } = heapOf(keys);
        const left = new Set(entries);
        for (const which of gone) {
          const entry = entries[which % Math.max(1, entries.length)];
          if (!entry || !left.delete(entry)) continue;
          heap.remove(entry);
          expect(entry.at).toBe(-1);
        }
        expect(heap.size).toBe(left.size);
        expect(drained(heap)).toEqual(sorted([...left].map(({ key }) => key)));
      }),
    );
  });

  it('shows the first ones in order and leaves them in', () => {
    fc.assert(
      fc.property(distinct, fc.integer({ min: 0, max: 20 }), (keys, most) => {
        const { heap } = heapOf(keys);
        expect(heap.first(most).map(({ key }) => key)).toEqual(sorted(keys).slice(0, most));
        expect(drained(heap)).toEqual(sorted(keys));
      }),
    );
  });

  it('keeps on a sweep what it is told to', () => {
    fc.assert(
      fc.property(distinct, (keys) => {
        const { heap } = heapOf(keys);
        heap.sweep(({ key }) => key % 2 === 0);
        expect(drained(heap)).toEqual(sorted(keys.filter((key) => key % 2 === 0)));
      }),
    );
  });
});
