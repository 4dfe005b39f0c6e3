import { describe, expect, it } from 'vitest';
import { CallQueue } from '../../../operators/internal/call-queue.ts';
import { testRun } from '../../../src/testing.ts';

describe('CallQueue', () => {
  it('gives out in order those that are live', () => {
    const run = testRun();
    const queue = new CallQueue<number, string | null>(1e9);
    const envelopes = [1, 2, 3, 4].map((value) => run.envelope(value));
    for (const envelope of envelopes) queue.push(envelope);
    run.giveBack('revoked', envelopes[0]);
    run.giveBack('revoked', envelopes[2]);
    expect([queue.next(), queue.next(), queue.next()].map((one) => one?.envelope.value)).toEqual([2, 4, undefined]);
    expect(queue.isEmpty).toBe(true);
  });

  it('does not keep a window of dead records for each revoke', () => {
    const run = testRun();
    const queue = new CallQueue<number, string | null>(1e9);
    const most = { size: 0 };
    for (let round = 0; round < 20; round += 1) {
      for (let i = 0; i < 500; i += 1) queue.push(run.envelope(i));
      run.giveBack('revoked');
      most.size = Math.max(most.size, queue.size);
    }
    expect(most.size).toBeLessThanOrEqual(1024);
  });
});
