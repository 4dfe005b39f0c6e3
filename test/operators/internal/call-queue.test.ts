import { describe, expect, it } from 'vitest';
import { CallQueue } from '../../../operators/internal/call-queue.ts';
import { type Envelope, handleOf } from '../../../src/record/envelope.ts';
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

  describe.each([
    { by: 'taken', comes: [0, 1, 2, 3], goes: [0, 1, 2, 3] },
    { by: 'taken', comes: [4, 5, 2, 6, 0, 7], goes: [0, 2, 4, 5, 6, 7] },
    { by: 'taken', comes: [4, 5, undefined, 2], goes: [2, 4, 5, undefined] },
    { by: 'here', comes: [4, 5, 2, 6], goes: [4, 5, 2, 6] },
  ] as const)('by when they are $by', ({ by, comes, goes }) => {
    it(`gives out ${String(comes)} as ${String(goes)}`, () => {
      const queue = queueOf(comes, by);
      const got = comes.map(() => queue.next()?.envelope.value);
      expect([got, queue.isEmpty]).toEqual([goes, true]);
    });
  });

  it('forgets late ones that are dead, and leaves all to their deadlines when it is cleared', () => {
    const run = testRun();
    const queue = new CallQueue<number | undefined, string | null>(1e9);
    for (let i = 3_000; i > 0; i -= 1) {
      queue.push(takenAs(run.envelope<number | undefined>(i, { timeMs: 100 }), i));
      if (i > 10 && i % 500 === 0) run.giveBack('revoked');
    }
    expect(queue.size).toBeLessThanOrEqual(1024);
    queue.clear();
    expect(queue.size).toBe(0);
  });
});

const takenAs = <T>(envelope: Envelope<T>, number: number | undefined): Envelope<T> => {
  const [root] = handleOf(envelope)?.part.roots ?? [];
  if (number !== undefined && root) Object.assign(root, { arrival: { takenMs: 0, number } });
  return envelope;
};

function queueOf(comes: readonly (number | undefined)[], by: 'taken' | 'here') {
  const run = testRun();
  const queue = new CallQueue<number | undefined, string | null>(1e9, by);
  for (const number of comes) queue.push(takenAs(run.envelope(number), number));
  return queue;
}
