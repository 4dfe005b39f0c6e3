import { describe, expect, it } from 'vitest';
import { startOf, startOffset } from '../../../src/transport/kafka/start-offset.ts';

describe('startOffset', () => {
  it.each([
    ['nothing committed, from earliest', -1n, 5n, 9n, 'earliest', 5n, 'none-committed'],
    ['nothing committed, from latest', -1n, 5n, 9n, 'latest', 9n, 'none-committed'],
    ['a special value that kafkajs commits', -2n, 5n, 9n, 'latest', 9n, 'none-committed'],
    ['in the middle', 7n, 5n, 9n, 'latest', 7n, undefined],
    ['at the first kept', 5n, 5n, 9n, 'latest', 5n, undefined],
    ['at the end', 9n, 5n, 9n, 'earliest', 9n, undefined],
    ['below what is kept', 4n, 5n, 9n, 'latest', 5n, 'out-of-range'],
    ['beyond the end: the topic was made anew', 10n, 0n, 9n, 'latest', 0n, 'out-of-range'],
  ] as const)('%s', (_what, committed, low, high, from, start, reset) => {
    expect(startOffset({ committed, low, high, stable: high }, from)).toEqual({ start, reset });
  });

  it('begins, from latest, before what is still open; an offset behind it is inside the log all the same', () => {
    expect(startOffset({ committed: -1n, low: 0n, high: 9n, stable: 4n }, 'latest')).toEqual({ start: 4n, reset: 'none-committed' });
    expect(startOffset({ committed: 8n, low: 0n, high: 9n, stable: 4n }, 'latest')).toEqual({ start: 8n, reset: undefined });
  });
});

describe('startOf', () => {
  const atFirst = new Map([['t', 2]]);
  it.each([
    ['a partition that was there', 't', 1, 'latest'],
    ['one that was added since', 't', 2, 'earliest'],
    ['a topic of which nothing was known', 'u', 5, 'latest'],
  ] as const)('from latest, %s', (_, topic, partition, expected) => {
    expect(startOf({ topic, partition }, 'latest', atFirst)).toBe(expected);
    expect(startOf({ topic, partition }, 'earliest', atFirst)).toBe('earliest');
  });
});
