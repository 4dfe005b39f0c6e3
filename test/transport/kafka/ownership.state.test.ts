import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPartition, parsePartition } from '../../../src/record/record.ts';
import { balance } from '../../../src/transport/balance.state.ts';
import { OwnershipState } from '../../../src/transport/kafka/ownership.state.ts';

const joined = (assigned: readonly string[], generation = 1): OwnershipState => {
  const state = new OwnershipState();
  state.identify('m1');
  for (const one of state.synced(generation, assigned).gained) state.started(one);
  return state;
};
const keys = (list: readonly { readonly topic: string; readonly partition: number }[]): string[] => list.map(formatPartition);

describe('OwnershipState', () => {
  it('keeps the epoch of what stays, under the same member id', () => {
    const state = joined(['t/0', 't/1']);
    const before = state.find(parsePartition('t/0'))?.epoch;
    expect(state.identify('m1')).toEqual([]);
    expect(state.synced(2, ['t/0', 't/1'])).toEqual({ gained: [], revoked: [], dropped: [] });
    expect(state.find(parsePartition('t/0'))?.epoch).toBe(before);
  });

  it('loses everything under another member id, and claims nothing then', () => {
    const state = joined(['t/0', 't/1']);
    expect(keys(state.identify('m2'))).toEqual(['t/0', 't/1']);
    expect(state.claim()).toEqual({ generation: 1, owned: [], revoking: [] });
  });

  it('claims what is being let go until it is drained, as revoking', () => {
    const state = joined(['t/0', 't/1']);
    const { revoked } = state.synced(2, ['t/1']);
    expect(state.claim()).toEqual({ generation: 2, owned: ['t/0', 't/1'], revoking: ['t/0'] });
    const [going] = revoked;
    expect(going && state.released(going)).toBe(true);
    expect(state.claim().owned).toEqual(['t/1']);
  });

  it('lets a revoke be final: it is not told twice, and assigned again it is not held until it was drained', () => {
    const state = joined(['t/0']);
    const { revoked } = state.synced(2, []);
    expect(state.synced(3, [])).toEqual({ gained: [], revoked: [], dropped: [] });
    expect(state.synced(4, ['t/0']).gained).toEqual([]);
    expect(state.find(parsePartition('t/0'))?.phase).toBe('revoking');
    const [going] = revoked;
    expect(going && state.released(going)).toBe(true);
    expect(state.synced(5, ['t/0']).gained[0]?.epoch).toBeGreaterThan(going?.epoch ?? 0);
  });

  it('drops without a word what was never told', () => {
    const state = new OwnershipState();
    state.identify('m1');
    const [gained] = state.synced(1, ['t/0']).gained;
    expect(state.synced(2, []).dropped).toHaveLength(1);
    expect(gained && state.started(gained)).toBe(false);
  });

  it('does not release or start what an epoch later is somebody else’s or new', () => {
    const state = joined(['t/0']);
    const [going] = state.synced(2, []).revoked;
    state.identify('m2');
    const [again] = state.synced(3, ['t/0']).gained;
    expect(going && state.released(going)).toBe(false);
    expect(going && state.started(going)).toBe(false);
    expect(again && state.started(again)).toBe(true);
  });

  it('begins a new epoch where the log moved away, but not of what is to go', () => {
    const state = joined(['t/0', 't/1']);
    const renewed = state.renew(parsePartition('t/0'));
    expect(renewed?.gained.epoch).toBeGreaterThan(renewed?.lost.epoch ?? 0);
    expect(state.find(parsePartition('t/0'))?.phase).toBe('starting');
    state.synced(2, ['t/0']);
    expect(state.renew(parsePartition('t/1'))).toBeUndefined();
    expect(state.renew(parsePartition('t/9'))).toBeUndefined();
  });

  // Members join, are expelled, drain at any later time; a generation is complete when all have synced with its plan.
  it('never lets two members hold a partition at the same time, whoever comes, goes or drains when', () => {
    const all = Array.from({ length: 7 }, (_, i) => `t/${String(i)}`);
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const) }),
      fc.record({ do: fc.constant('leave' as const), who: fc.nat(9) }),
      fc.record({ do: fc.constant('expel' as const), who: fc.nat(9) }),
      fc.record({ do: fc.constant('drain' as const), who: fc.nat(9) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const members: OwnershipState[] = [];
        let generation = 0;
        let ids = 0;
        const rebalance = (): void => {
          generation += 1;
          const plan = balance(
            all,
            members.map((one) => ({ memberId: one.memberId ?? '', topics: ['t'], ...one.claim() })),
          );
          for (const one of members)
            for (const gained of one.synced(generation, plan.get(one.memberId ?? '') ?? []).gained) one.started(gained);
        };
        for (const { do: what, ...rest } of steps) {
          const at = 'who' in rest ? rest.who % Math.max(1, members.length) : 0;
          const who = members[at];
          if (what === 'add') {
            const fresh = new OwnershipState();
            ids += 1;
            fresh.identify(`m${String(ids)}`);
            members.push(fresh);
          } else if (!who) continue;
          else if (what === 'leave') members.splice(at, 1);
          else if (what === 'expel') {
            ids += 1;
            who.identify(`m${String(ids)}`);
          } else for (const one of who.all) who.released(one);
          if (members.length > 0) rebalance();
          const held = members.flatMap((one) => keys(one.all));
          expect(new Set(held).size).toBe(held.length);
        }
        // and when all have drained, everything is held and evenly
        for (let round = 0; round < 3 && members.length > 0; round += 1) {
          for (const one of members) for (const tenure of one.all) one.released(tenure);
          rebalance();
        }
        const loads = members.map((one) => one.all.length);
        if (members.length > 0)
          expect([loads.reduce((a, b) => a + b, 0), Math.max(...loads) - Math.min(...loads) <= 1]).toEqual([all.length, true]);
      }),
    );
  });
});
