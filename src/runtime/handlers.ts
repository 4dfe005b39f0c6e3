import { messageOf } from '../errors.ts';
import type { Source } from '../flow/source.ts';
import type { Pipeline } from '../pipeline.ts';
import type { ConsumeHandlers } from '../transport/transport.ts';
import type { Delivery } from './delivery.ts';
import type { ResolvedStartOptions } from './options.ts';
import { releasePartitions } from './release.ts';
import { ownedIds, resetsOf, type Stats } from './stats.ts';

export interface HandlerParts {
  readonly pipeline: Pipeline;
  readonly options: ResolvedStartOptions;
  readonly source: Source;
  readonly delivery: Delivery;
  readonly stats: Stats;
  readonly fail: (error: Error) => void;
}

/** What the transport tells a pipeline, and who in it is told. */
export function consumeHandlers({ pipeline: { name }, options, source, delivery, stats, fail }: HandlerParts): ConsumeHandlers {
  const { clock, log, revokeDeadlineMs } = options;
  let hasLost = false; // and was given nothing since
  return {
    assigned: (gained) => {
      if (gained.length > 0) stats.rebalances += 1;
      try {
        source.gain(gained);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(messageOf(error)));
        return;
      }
      const resets = resetsOf(gained);
      log[hasLost || resets.length > 0 ? 'warn' : 'info']({ pipeline: name, partitions: ownedIds(gained), resets }, 'assigned');
      hasLost = false;
    },
    fetched: (fetch) => {
      source.offer(fetch);
      const { missed } = fetch;
      if (missed !== undefined)
        log.warn(
          { pipeline: name, partitions: ownedIds([fetch]), missed: String(missed) },
          'the log has dropped what was not read yet (retention, or a truncation); reading goes on behind it',
        );
    },
    revoking: async (leaving) => {
      stats.rebalances += 1;
      const givenBack = await releasePartitions({ source, delivery, clock, deadlineMs: revokeDeadlineMs }, leaving, 'revoked');
      log.info({ pipeline: name, partitions: ownedIds(leaving), givenBack }, 'revoked');
    },
    lost: (gone) => {
      stats.rebalances += 1;
      hasLost = true;
      delivery.lose(gone);
      source.lose(
        gone.flatMap((one) => source.find(one) ?? []),
        'lost',
      );
      log.warn(
        { pipeline: name, partitions: ownedIds(gone) },
        'lost: another member may own them by now; what was in flight is given back',
      );
    },
    health: (health) => {
      stats.reconnecting = health.state === 'reconnecting';
      if (health.state === 'ok') stats.trouble('consumer', undefined);
      else stats.trouble('consumer', health.why, health.leftMs);
    },
    failed: fail,
  };
}
