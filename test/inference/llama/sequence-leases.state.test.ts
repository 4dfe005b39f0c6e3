import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  askForLease,
  grantLeases,
  noLeases,
  releaseLease,
  type SequenceLeases,
} from '../../../src/inference/llama/sequence-leases.state.ts';

const indifferent = (): number => 0;

describe('sequence leases', () => {
  it('never gives one sequence to two works, none is lost, and first come is first served', () => {
    const command = fc.oneof(fc.constant('ask' as const), fc.nat({ max: 40 }));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(command, { maxLength: 60 }),
        fc.infiniteStream(fc.nat({ max: 9 })),
        (sequences, commands, scores) => {
          let leases: SequenceLeases = noLeases(sequences);
          let asked = 0;
          const order: number[] = [];
          const left = new Set<number>();
          for (const one of commands) {
            if (one === 'ask') leases = askForLease(leases, asked++);
            else {
              leases = releaseLease(leases, one);
              left.add(one);
            }
            const step = grantLeases(leases, () => Number(scores.next().value));
            leases = step.leases;
            order.push(...step.granted.map(({ id }) => id));
            const all = [...leases.held.values(), ...leases.free];
            expect([...all].sort()).toEqual(Array.from({ length: sequences }, (_, index) => index));
            expect(leases.waiting.length === 0 || leases.free.length === 0).toBe(true);
          }
          expect(order).toEqual([...order].sort((a, b) => a - b));
          for (let id = 0; id < asked; id += 1) {
            const known = leases.held.has(id) || leases.waiting.includes(id);
            if (!left.has(id)) expect(known).toBe(true);
          }
        },
      ),
    );
  });

  it('gives a work the sequence it prefers, among equals the one that was free for longest', () => {
    let leases = grantLeases(askForLease(noLeases(3), 1), (_, sequence) => (sequence === 2 ? 5 : 0)).leases;
    expect(leases.held.get(1)).toBe(2);
    leases = releaseLease(leases, 1); // free: 0, 1, 2
    leases = grantLeases(askForLease(leases, 2), indifferent).leases;
    leases = releaseLease(leases, 2); // free: 1, 2, 0
    leases = grantLeases(askForLease(leases, 3), indifferent).leases;
    expect(leases.held.get(3)).toBe(1);
  });

  it('forgets a work that leaves the queue', () => {
    let leases = grantLeases(askForLease(noLeases(1), 1), indifferent).leases;
    leases = releaseLease(askForLease(askForLease(leases, 2), 3), 2);
    const { granted } = grantLeases(releaseLease(leases, 1), indifferent);
    expect(granted).toEqual([{ id: 3, sequence: 0 }]);
  });
});
