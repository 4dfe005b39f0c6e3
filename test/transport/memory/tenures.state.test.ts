import { describe, expect, it } from 'vitest';
import { Tenures } from '../../../src/transport/memory/tenures.state.ts';

const part = (partition: number) => ({ topic: 't', partition, key: `t/${String(partition)}` });

describe('Tenures', () => {
  it('gives each gain an epoch of its own, and finds a tenure by it alone', () => {
    const tenures = new Tenures();
    const [first] = tenures.gain([part(0), part(1)]);
    tenures.release(first ? [first] : []);
    const [second] = tenures.gain([part(0)]);
    expect([first?.epoch, second?.epoch, tenures.at('t/1')?.epoch]).toEqual([1, 2, 1]);
    expect(tenures.find({ ...part(0), epoch: 1 })).toBeUndefined();
    expect(tenures.find({ ...part(0), epoch: 2 })).toBe(second);
    expect(tenures.still([first, second].flatMap((one) => one ?? []))).toEqual([second]);
  });

  it('drains what the owner knows of, once, and lets go at once what it does not', () => {
    const tenures = new Tenures();
    const [known] = tenures.gain([part(0), part(1)]);
    if (known) known.phase = 'live';
    const { going, untold } = tenures.revoke(['t/0', 't/1', 't/9']);
    expect([going.map(({ key }) => key), untold.map(({ key }) => key)]).toEqual([['t/0'], ['t/1']]);
    expect(tenures.revoke(['t/0']).going).toEqual([]);
    expect(tenures.release(untold)).toEqual(untold);
    expect(tenures.release(untold)).toEqual([]);
    expect(tenures.lose()).toEqual([{ topic: 't', partition: 0, epoch: 1 }]);
    expect(tenures.at('t/0')).toBeUndefined();
  });

  it('tells of no loss where the owner was told of no gain', () => {
    const tenures = new Tenures();
    tenures.gain([part(0)]);
    expect(tenures.lose()).toEqual([]);
    expect(tenures.still(tenures.gain([part(0)]))).toHaveLength(1);
  });
});
