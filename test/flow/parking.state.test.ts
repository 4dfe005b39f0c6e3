import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Parking } from '../../src/flow/parking.state.ts';

const step = fc.oneof(
  fc.record({ do: fc.constant('park' as const), item: fc.nat(9), ms: fc.nat(1_000) }),
  fc.record({ do: fc.constant('leave' as const), item: fc.nat(9), ms: fc.constant(0) }),
  fc.record({ do: fc.constant('wait' as const), item: fc.constant(0), ms: fc.nat(500) }),
);

describe('parking', () => {
  it('hands out each that waits once, when its time has come and not before, and knows the next time', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const parking = new Parking<number>();
        const model = new Map<number, number>();
        let nowMs = 0;
        for (const { do: what, item, ms } of steps) {
          if (what === 'park') {
            parking.park(item, nowMs + ms);
            model.set(item, nowMs + ms);
          } else if (what === 'leave') {
            parking.leave(item);
            model.delete(item);
          } else {
            nowMs += ms;
            const due = [...model].filter(([, dueMs]) => dueMs <= nowMs);
            for (const [one] of due) model.delete(one);
            const found = parking.due(nowMs);
            expect([...found].sort()).toEqual(due.map(([one]) => one).sort());
            expect(found.map((one) => due.find(([other]) => other === one)?.[1])).toEqual(
              due.map(([, dueMs]) => dueMs).sort((a, b) => a - b),
            );
          }
          expect(parking.nextMs).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
        }
      }),
    );
  });
});
