import { describe, expect, it } from 'vitest';
import { formatPartition, parsePartition } from '../../src/record/record.ts';

describe('parsePartition', () => {
  it('reads topics with slashes and dots', () => {
    expect(parsePartition('a/b.c/12')).toEqual({ topic: 'a/b.c', partition: 12 });
    expect(formatPartition(parsePartition('a/b.c/12'))).toBe('a/b.c/12');
  });
});
