import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BoundedMap } from '../../../src/codec/internal/bounded-map.ts';

const steps = fc.array(
  fc.record({ key: fc.integer({ min: 0, max: 9 }), weight: fc.integer({ min: 0, max: 6 }), step: fc.constantFrom('get', 'set', 'delete') }),
);

it('keeps what was used last, as much as fits', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const [mostEntries, mostWeight] = [4, 10];
      const map = new BoundedMap<number, number>(mostEntries, mostWeight);
      let model: { key: number; weight: number }[] = []; // oldest use first
      for (const { key, weight, step } of all) {
        const known = model.find((one) => one.key === key);
        if (step === 'get') expect(map.get(key)).toBe(known?.weight);
        else if (step === 'delete') map.delete(key);
        else map.set(key, weight, weight);
        model = model.filter((one) => one.key !== key);
        if (step === 'set') model.push({ key, weight });
        if (step === 'get' && known) model.push(known);
        const sum = (): number => model.reduce((total, one) => total + one.weight, 0);
        while (model.length > mostEntries || (sum() > mostWeight && model.length > 1)) model.shift();
        expect(map.size).toBe(model.length);
      }
    }),
  );
});
