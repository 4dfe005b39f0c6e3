import { expect, it } from 'vitest';
import { Committer } from '../../src/flow/committer.ts';
import { Owned } from '../../src/flow/owned.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { ProcessClock } from '../../src/simulation/process-clock.ts';

it('a commit that fails after the committer was stopped is not tried again', async () => {
  const virtual = virtualClock();
  const clock = new ProcessClock(virtual);
  const owned = new Owned(
    { topic: 'in', partition: 0, epoch: 1, committed: undefined, start: 0n, reset: 'none-committed', high: 0n },
    'fail',
  );
  const partitions = (): readonly Owned[] => [owned];
  const committer = new Committer({ clock, commitIntervalMs: 10, commitEveryRecords: 1, partitions, trouble: () => undefined });
  let fail = (): void => undefined;
  committer.attach({
    commit: () =>
      new Promise((_, reject) => {
        fail = () => {
          reject(new Error('too late'));
        };
      }),
  });
  owned.tracker.settle(owned.tracker.deliver(0n, { partition: owned } as never));
  committer.settled();
  committer.stop();
  committer.settled();
  fail();
  await virtual.advance(0);
  expect(clock.timers).toBe(0);
});
