import { describe, expect, it } from 'vitest';
import { TransportError } from '../../src/errors.ts';
import { Committer } from '../../src/flow/committer.ts';
import { Owned, type Taken } from '../../src/flow/owned.ts';
import type { OffsetCommit } from '../../src/transport/transport.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

function committer(fate: (commit: number) => 'ok' | 'down' | 'fenced' = () => 'ok') {
  const clock = virtualClock();
  const owned = [0, 1].map(
    (partition) =>
      new Owned({ topic: 'in', partition, epoch: 1, committed: undefined, start: 0n, reset: 'none-committed', high: 0n }, 'fail'),
  );
  const commits: string[][] = [];
  const troubles: (string | undefined)[] = [];
  let running = 0;
  const it = new Committer({
    clock,
    commitIntervalMs: 200,
    commitEveryRecords: 500,
    partitions: () => owned,
    trouble: (why) => troubles.push(why),
  });
  it.attach({
    commit: (offsets: readonly OffsetCommit[]) =>
      new Promise((resolve, reject) => {
        running += 1;
        expect(running).toBe(1);
        commits.push(offsets.map(({ partition, offset }) => `${String(partition)}:${String(offset)}`));
        const said = fate(commits.length);
        clock.schedule(30, () => {
          running -= 1;
          if (said === 'down') reject(new TransportError('transport_unavailable', 'down'));
          else resolve({ fenced: said === 'fenced' ? offsets.slice(0, 1) : [] });
        });
      }),
  });
  const next = [0n, 0n];
  const settle = (partition: 0 | 1, count = 1): void => {
    for (let i = 0; i < count; i += 1) {
      const tracker = owned[partition]?.tracker;
      const offset = next[partition] ?? 0n;
      next[partition] = offset + 1n;
      tracker?.settle(tracker.deliver(offset, {} as Taken));
      it.settled();
    }
  };
  return { clock, committer: it, owned, commits, troubles, settle };
}

describe('Committer', () => {
  it('commits 200 ms after the first settled record, and nothing when nothing moved', async () => {
    const { clock, commits, settle } = committer();
    settle(0);
    await clock.advance(199);
    settle(1, 3);
    expect(commits).toEqual([]);
    await clock.advance(1);
    expect(commits).toEqual([['0:1', '1:3']]);
    await clock.advance(10_000);
    expect(commits).toHaveLength(1);
  });

  it('commits at 500 records without waiting, one at a time, each as far as it is when it leaves', async () => {
    const { clock, commits, settle } = committer();
    settle(0, 1_400);
    await clock.advance(0);
    expect(commits).toEqual([['0:500']]);
    await clock.advance(60);
    expect(commits).toEqual([['0:500'], ['0:1400']]);
  });

  it('tries again, later and later, while the broker is down', async () => {
    const { clock, commits, troubles, settle } = committer((n) => (n < 4 ? 'down' : 'ok'));
    settle(0);
    await clock.advance(5_000);
    expect(commits).toEqual([['0:1'], ['0:1'], ['0:1'], ['0:1']]);
    expect([troubles.filter((why) => why !== undefined).length, troubles.at(-1)]).toEqual([3, undefined]);
  });

  it('never tries again what the log has fenced', async () => {
    const { clock, commits, settle } = committer((n) => (n === 1 ? 'fenced' : 'ok'));
    settle(0);
    settle(1);
    await clock.advance(300);
    settle(0);
    settle(1);
    await clock.advance(300);
    expect(commits).toEqual([['0:1', '1:1'], ['1:2']]);
  });

  it('flushes what is behind, through a commit that is under way and one that fails', async () => {
    const { clock, committer: it, owned, commits, settle } = committer((n) => (n === 2 ? 'down' : 'ok'));
    settle(0, 500);
    settle(0, 2);
    const flushed = it.flush(owned, () => false);
    await clock.advance(1_000);
    await flushed;
    expect(commits.at(-1)).toEqual(['0:502']);
    expect(owned[0]?.committed).toBe(502n);
  });

  it('commits what was settled before there was a consumer to commit with', async () => {
    const { clock, committer: early, owned, commits, settle } = committer();
    const late = new Committer({ clock, commitIntervalMs: 200, commitEveryRecords: 1, partitions: () => owned, trouble: () => undefined });
    settle(0, 3);
    late.settled();
    await clock.advance(100);
    early.stop();
    const offsets: bigint[] = [];
    late.attach({
      commit: (given) => {
        offsets.push(...given.map(({ offset }) => offset));
        return Promise.resolve({ fenced: [] });
      },
    });
    await clock.advance(300);
    expect([commits, offsets]).toEqual([[], [3n]]);
  });

  it('gives a flush up when it is told to', async () => {
    const { clock, committer: it, owned, settle } = committer(() => 'down');
    settle(0);
    const flushed = it.flush(owned, () => clock.nowMs() >= 500);
    await clock.advance(1_000);
    await flushed;
    expect(owned[0]?.committed).toBeUndefined();
  });
});
