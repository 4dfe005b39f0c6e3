import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Group } from '../../../src/transport/memory/group.state.ts';

const all = ['t/0', 't/1', 't/2', 't/3', 't/4'];

const command = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), who: fc.nat({ max: 5 }) }),
  fc.record({ kind: fc.constant('remove' as const), who: fc.nat({ max: 5 }) }),
  fc.record({ kind: fc.constant('release' as const), who: fc.nat({ max: 5 }) }),
);

const ownedBy = (group: Group, memberId: string, state?: string): string[] =>
  [...(group.members.get(memberId)?.owned ?? [])].filter(([, now]) => state === undefined || now === state).map(([partition]) => partition);

describe('Group', () => {
  it('never lets two own one partition; tells every gain and revoke once; ends with everything owned', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (steps) => {
        const group = new Group();
        const told = new Map<string, Map<string, 'held' | 'revoking'>>();
        const rebalance = (): void => {
          for (const { memberId, gained, revoked } of group.rebalance(all)) {
            const mine = told.get(memberId);
            for (const partition of gained) {
              expect([...told.values()].some((owned) => owned.has(partition))).toBe(false);
              mine?.set(partition, 'held');
            }
            for (const partition of revoked) {
              expect(mine?.get(partition)).toBe('held');
              mine?.set(partition, 'revoking');
            }
          }
          expect(new Map([...group.members].map(([id, { owned }]) => [id, new Map(owned)]))).toEqual(told);
        };
        const release = (id: string): void => {
          const revoking = ownedBy(group, id, 'revoking');
          group.released(id, revoking);
          for (const partition of revoking) told.get(id)?.delete(partition);
          rebalance();
        };
        for (const { kind, who } of steps) {
          const id = `m${String(who)}`;
          if (kind === 'join' && !told.has(id)) {
            group.join(id, ['t']);
            told.set(id, new Map());
          } else if (kind === 'remove') {
            group.remove(id);
            told.delete(id);
          } else if (kind === 'release') {
            release(id);
            continue;
          }
          rebalance();
        }
        for (const id of told.keys()) release(id);
        const loads = [...told.values()].map((owned) => owned.size);
        if (loads.length > 0) expect(loads.reduce((sum, load) => sum + load, 0)).toBe(all.length);
        if (loads.length > 0) expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  it('releases only what is revoked, and only for a member', () => {
    const group = new Group();
    group.join('a', ['t']);
    group.rebalance(all);
    group.released('a', ['t/0']);
    group.released('nobody', ['t/0']);
    expect(ownedBy(group, 'a')).toEqual(all);
  });

  it('takes commits from the owner, while it holds and while it lets go, and from nobody else', () => {
    const group = new Group();
    group.join('a', ['t']);
    group.rebalance(['t/0', 't/1']);
    group.join('b', ['t']);
    const [moving] = group.rebalance(['t/0', 't/1']).flatMap(({ revoked }) => revoked);
    if (moving === undefined) throw new Error('one partition moves');
    const [early, late] = [
      { offset: 1n, metadata: 'early' },
      { offset: 2n, metadata: '' },
    ];
    expect(group.commit('b', moving, late)).toBe(false);
    expect(group.committed(moving)).toBeUndefined();
    expect(group.commit('a', moving, early)).toBe(true);
    group.released('a', [moving]);
    group.rebalance(['t/0', 't/1']);
    expect(group.commit('a', moving, late)).toBe(false);
    expect(group.committed(moving)).toEqual(early);
    expect(group.commit('b', moving, late)).toBe(true);
    group.remove('b');
    expect(group.commit('b', moving, early)).toBe(false);
    expect(group.committed(moving)).toEqual(late);
  });
});
