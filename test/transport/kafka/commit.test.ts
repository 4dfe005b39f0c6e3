import { describe, expect, it } from 'vitest';
import { Committer } from '../../../src/transport/kafka/commit.ts';
import type { OwnershipState } from '../../../src/transport/kafka/ownership.state.ts';
import type { OffsetCommit } from '../../../src/transport/transport.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

describe('commits of one member', () => {
  it('are never sent behind a later one, though they have to be tried again', async () => {
    const clock = virtualClock();
    const stored: bigint[] = [];
    let refused = false;
    const connection = {
      heartbeat: () => Promise.resolve(),
      commit: async (_member: string, _generation: number, [one]: readonly OffsetCommit[]): Promise<void> => {
        if (!refused) {
          refused = true;
          throw Object.assign(new Error('between JoinGroup and SyncGroup'), { name: 'KafkaJSProtocolError', type: 'ILLEGAL_GENERATION' });
        }
        stored.push(one?.offset ?? -1n); // the answer takes longer than a wait before the next try
        await new Promise<void>((answer) => clock.schedule(50, answer));
      },
    };
    const state = { memberId: 'm', generation: 1, find: (one: unknown) => one } as unknown as OwnershipState;
    const committer = new Committer({
      state,
      connection: connection as never,
      clock,
      brokers: [],
      patienceMs: 1_000,
      accepted: () => undefined,
      expelled: () => undefined,
    });
    const at = (offset: bigint): readonly OffsetCommit[] => [{ topic: 't', partition: 0, epoch: 1, offset, metadata: '' }];
    const both = Promise.all([committer.commit(at(4n)), committer.commit(at(5n))]);
    await clock.advance(1_000);
    await both;
    expect(stored).toEqual([4n, 5n]);
  });
});
