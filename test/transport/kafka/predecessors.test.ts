import { describe, expect, it } from 'vitest';
import type { TransportError } from '../../../src/errors.ts';
import type { ListedMember } from '../../../src/transport/kafka/group-connection.ts';
import { clientIdOf, type MemberName } from '../../../src/transport/kafka/member-name.ts';
import { nameFor, nextTerm, Predecessors, sightingOf } from '../../../src/transport/kafka/predecessors.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

const machine = '0123456789ab';
const process_ = (pid: number, serial = 1): MemberName => ({ kind: 'process', machine, pid, begun: '5', serial });
const instance = (name: string, term: number, nonce = 'aaaa'): MemberName => ({ kind: 'instance', instance: name, term, nonce });
const member = (memberId: string, name: MemberName, base = 'p'): ListedMember => ({ memberId, clientId: clientIdOf(base, name) });
const dead = ({ pid }: { readonly pid: number }): boolean => pid >= 100;

describe('who is a predecessor', () => {
  const cases: readonly [string, MemberName, readonly ListedMember[], ReturnType<typeof sightingOf>][] = [
    ['nobody in an empty group', process_(1), [], { isListed: false, gone: [], successor: undefined }],
    ['not this member', process_(1), [member('me', process_(1))], { isListed: true, gone: [], successor: undefined }],
    [
      'not another consumer of this process',
      process_(1),
      [member('b', process_(1, 2))],
      { isListed: false, gone: [], successor: undefined },
    ],
    [
      'processes that are gone, whatever they were called, and not those that live',
      process_(1),
      [member('a', process_(100)), member('b', process_(2)), member('c', process_(101), 'q')],
      { isListed: false, gone: ['a', 'c'], successor: undefined },
    ],
    ['nobody who says nothing', process_(1), [{ memberId: 'a', clientId: 'kafkajs' }], { isListed: false, gone: [], successor: undefined }],
    [
      'no bearer of a name, for one without',
      process_(1),
      [member('a', instance('x', 1))],
      { isListed: false, gone: [], successor: undefined },
    ],
    [
      'bearers of the same name, and not those of others',
      instance('x', 7),
      [member('me', instance('x', 7)), member('a', instance('x', 6)), member('b', instance('y', 6)), member('c', process_(100))],
      { isListed: true, gone: ['a', 'c'], successor: undefined },
    ],
    [
      'nobody who came later',
      instance('x', 7),
      [member('a', instance('x', 8))],
      { isListed: false, gone: [], successor: clientIdOf('p', instance('x', 8)) },
    ],
    [
      'of two that came at once, one',
      instance('x', 7, 'mmmm'),
      [member('a', instance('x', 7, 'llll')), member('b', instance('x', 7, 'nnnn'))],
      { isListed: false, gone: ['a'], successor: clientIdOf('p', instance('x', 7, 'nnnn')) },
    ],
  ];
  it.each(cases)('%s', (_case, own, members, expected) => {
    expect(sightingOf(own, members, dead)).toEqual(expected);
  });
});

describe('the term of a name', () => {
  it('is the time, but later than that of everybody who bears it', () => {
    const members = [member('a', instance('x', 900)), member('b', instance('x', 800)), member('c', instance('y', 5_000))];
    expect([nextTerm('x', members, 1_000.7), nextTerm('x', members, 850), nextTerm('z', [], 3)]).toEqual([1_000, 901, 3]);
  });

  it('is asked for only where there is a name', async () => {
    const clock = virtualClock(1_000);
    const never = { members: () => Promise.reject(new Error('asked')) };
    const self = { machine, pid: 3, begun: '5' };
    expect(await nameFor(false, never, clock, { self })).toBeUndefined();
    expect(await nameFor(undefined, never, clock, { self: undefined })).toBeUndefined();
    const [one, two] = [await nameFor(undefined, never, clock, { self }), await nameFor(undefined, never, clock, { self })];
    expect([one, two]).toMatchObject([
      { kind: 'process', pid: 3 },
      { kind: 'process', pid: 3 },
    ]);
    expect(one).not.toEqual(two); // two consumers of one process
    expect(await nameFor('x', never, clock, { self })).toMatchObject({ kind: 'instance', instance: 'x', term: 1_000 });
  });
});

describe('Predecessors', () => {
  function rig(own: MemberName, members: ListedMember[]) {
    const clock = virtualClock(0);
    const [looks, left, said]: [number[], string[], string[]] = [[], [], []];
    let refuse: Error | undefined;
    let successor: TransportError | undefined;
    const predecessors = new Predecessors({
      connection: {
        members: () => {
          looks.push(clock.nowMs());
          return refuse === undefined ? Promise.resolve(members) : Promise.reject(refuse);
        },
        leave: (id) => {
          left.push(id);
          members.splice(
            members.findIndex(({ memberId }) => memberId === id),
            1,
          );
          return Promise.resolve();
        },
      },
      clock,
      groupId: 'g',
      own,
      isGone: dead,
      kafka: { brokers: ['b:1'], sessionTimeoutMs: 9_500, log: (level, message) => said.push(`${level} ${message}`) },
      succeeded: (error) => (successor = error),
    });
    return {
      clock,
      predecessors,
      looks,
      left,
      said,
      members,
      refuse: (error: Error | undefined) => (refuse = error),
      successor: () => successor,
    };
  }

  it('leaves for the dead as soon as the broker lists this member, not before', async () => {
    const { clock, predecessors, members, left } = rig(process_(1), [member('dead', process_(100))]);
    predecessors.joining();
    await clock.advance(400);
    expect(left).toEqual([]);
    members.push(member('me', process_(1)));
    await clock.advance(400);
    expect(left).toEqual(['dead']);
    predecessors.joined();
  });

  it('does not look while no join is under way, and in later joins only when they last', async () => {
    const { clock, predecessors, looks } = rig(process_(1), [member('me', process_(1))]);
    predecessors.joining();
    await clock.advance(30);
    predecessors.joined();
    await clock.advance(10_000);
    expect(looks).toEqual([25]);
    predecessors.joining();
    await clock.advance(900);
    expect(looks).toEqual([25]);
    await clock.advance(200);
    expect(looks).toHaveLength(2);
    predecessors.stop();
    await clock.advance(10_000);
    expect(looks).toHaveLength(2);
  });

  it('looks less and less often, but at least every half second', async () => {
    const { clock, predecessors, looks } = rig(process_(1), []);
    predecessors.joining();
    await clock.advance(10_000);
    expect(looks.length).toBeLessThan(30);
    expect(Math.max(...looks.slice(1).map((at, i) => at - (looks[i] ?? 0)))).toBe(500);
    predecessors.stop();
  });

  it('under a name, looks once more when the join was quicker than the look', async () => {
    const { clock, predecessors, left } = rig(instance('x', 7), [member('me', instance('x', 7)), member('old', instance('x', 6))]);
    predecessors.joining();
    predecessors.joined();
    await clock.advance(1);
    expect(left).toEqual(['old']);
  });

  it('makes room for one that bears its name and came later', async () => {
    const { clock, predecessors, successor, left } = rig(instance('x', 7), [
      member('me', instance('x', 7)),
      member('new', instance('x', 8)),
    ]);
    predecessors.joining();
    await clock.advance(30);
    expect(successor()).toMatchObject({ code: 'fenced', message: expect.stringContaining('as instance x (p.as-x-8-aaaa)') as string });
    expect(left).toEqual([]);
    predecessors.stop();
  });

  it('says once that it may not look, and waits as everybody would', async () => {
    const { clock, predecessors, refuse, looks, said } = rig(process_(1), []);
    refuse(Object.assign(new Error('Not authorized'), { type: 'GROUP_AUTHORIZATION_FAILED', retriable: false }));
    predecessors.joining();
    await clock.advance(10_000);
    predecessors.joining();
    await clock.advance(10_000);
    expect(looks).toHaveLength(1);
    expect(said).toEqual([expect.stringMatching(/^warn cannot look for members of group g .*a start after a crash waits for up to 10 s$/)]);
  });

  it('looks again after what may pass', async () => {
    const { clock, predecessors, refuse, left, said } = rig(process_(1), [member('me', process_(1)), member('dead', process_(100))]);
    refuse(Object.assign(new Error('moved'), { type: 'NOT_COORDINATOR_FOR_GROUP', retriable: true }));
    predecessors.joining();
    await clock.advance(100);
    refuse(undefined);
    await clock.advance(500);
    expect(left).toEqual(['dead']);
    expect(said).toEqual([expect.stringMatching(/^info left the group/)]);
    predecessors.stop();
  });
});
