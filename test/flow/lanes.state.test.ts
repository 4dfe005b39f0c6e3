import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { laneOf, Lanes } from '../../src/flow/lanes.state.ts';

describe('Lanes', () => {
  it('lets one record of a lane run at a time, in the order they came, and others beside it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ lane: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }), finish: fc.nat() }), { maxLength: 200 }),
        (steps) => {
          const lanes = new Lanes<{ lane: string | undefined; id: number }>();
          const running: { lane: string | undefined; id: number }[] = [];
          const ran: { lane: string | undefined; id: number }[] = [];
          const run = (item: { lane: string | undefined; id: number }): void => {
            if (item.lane !== undefined) expect(running.some(({ lane }) => lane === item.lane)).toBe(false);
            running.push(item);
            ran.push(item);
          };
          const finish = (at: number): void => {
            const [item] = running.splice(at, 1);
            const next = item && lanes.leave(item.lane);
            if (next) run(next);
          };
          for (const [id, { lane, finish: at }] of steps.entries()) {
            const item = { lane, id };
            if (lanes.enter(lane, item)) run(item);
            if (at % 2 === 0 && running.length > 0) finish(at % running.length);
          }
          while (running.length > 0) finish(0);
          expect(ran).toHaveLength(steps.length);
          for (const lane of ['a', 'b', 'c']) {
            const ids = ran.filter((one) => one.lane === lane).map(({ id }) => id);
            expect(ids).toEqual([...ids].sort((x, y) => x - y));
          }
          expect([lanes.busy, lanes.waiting]).toEqual([0, 0]);
        },
      ),
    );
  });

  it('keeps nothing of a million keys that have passed', () => {
    const lanes = new Lanes<number>();
    for (let i = 0; i < 1_000_000; i += 1) {
      lanes.enter(`key ${String(i)}`, i);
      lanes.leave(`key ${String(i)}`);
    }
    expect([lanes.busy, lanes.waiting]).toEqual([0, 0]);
  });

  it('serves a hot key with a million records in linear time', () => {
    const lanes = new Lanes<number>();
    for (let i = 0; i < 1_000_000; i += 1) lanes.enter('hot', i);
    for (let i = 1; i < 1_000_000; i += 1) if (lanes.leave('hot') !== i) throw new Error(`record ${String(i)} out of turn`);
    expect(lanes.leave('hot')).toBeUndefined();
    expect(lanes.busy).toBe(0);
  });
});

describe('laneOf', () => {
  it.each([
    { ordering: 'none', key: 'a', lane: undefined },
    { ordering: 'key', key: null, lane: undefined },
    { ordering: 'key', key: 'a', lane: 'a' },
    { ordering: 'key', key: '', lane: '' },
    { ordering: 'partition', key: 'a', lane: '' },
    { ordering: 'partition', key: null, lane: '' },
  ] as const)('is $lane for $ordering and key $key', ({ ordering, key, lane }) => {
    expect(laneOf(ordering, key === null ? null : Buffer.from(key))).toBe(lane);
  });

  it('is equal only for equal bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        expect(laneOf('key', a) === laneOf('key', b)).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });
});
