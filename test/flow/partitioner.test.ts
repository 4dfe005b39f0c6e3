import { describe, expect, it } from 'vitest';
import { murmur2, Partitioner } from '../../src/flow/partitioner.ts';

describe('murmur2', () => {
  // from the Java client's own test, UtilsTest.testMurmur2
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s is %i, as in Java', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  it('reads a key where it lies in a larger buffer', () => {
    expect(murmur2(Buffer.from('xxfoobarxx').subarray(2, 8))).toBe(-790332482);
  });
});

describe('Partitioner', () => {
  it('puts equal keys into one partition, and keyless records together until the turn', () => {
    const partitioner = new Partitioner();
    expect(partitioner.choose(Buffer.from('foobar'), 12)).toBe((-790332482 & 0x7fffffff) % 12);
    const seen = [0, 1, 2, 3, 4].map(() => {
      const pair = [partitioner.choose(null, 3), partitioner.choose(null, 3)];
      partitioner.turn();
      return pair;
    });
    expect(seen).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [0, 0],
      [1, 1],
    ]);
  });
});
