import { sleep, systemClock } from '../../clock.ts';
import { standingOf } from './fetch-patch.ts';
import type { GroupInternals, GroupListener } from './internals.ts';

const betweenErrorsMs = 100; // as long as a fetch waits for records

const listenerOf = (group: GroupInternals): GroupListener | undefined => group.assigners.find(({ millrace }) => millrace)?.millrace;

/**
 * kafkajs awaits nothing before a re-join, forgets its positions in it, and answers an offset outside the log by
 * committing a special value over the group's own. When it crashes it leaves the group, though the work goes on. Groups
 * that carry our listener in their assigner are told before and after each join, and decide themselves what follows an
 * offset out of range, and when to leave; they hear of fetches that brought no record, too. All others stay as they are. Their heartbeats follow the monotonic clock: by the wall clock,
 * one that is set back an hour would be an hour without a heartbeat.
 */
export function patchGroup(prototype: GroupInternals): void {
  const { fetch, heartbeat, joinAndSync, leave, recoverFromOffsetOutOfRange } = prototype;
  const beatMs = new WeakMap<GroupInternals, number>();
  prototype.fetch = async function (nodeId) {
    const batches = await fetch.call(this, nodeId);
    const listener = listenerOf(this);
    listener?.fetched(batches);
    // the broker answers these at once, for ever
    if (listener && batches.some(({ rawMessages }) => standingOf(rawMessages)?.error !== undefined))
      await sleep(systemClock, betweenErrorsMs);
    return batches;
  };
  prototype.heartbeat = async function ({ interval }) {
    const listener = listenerOf(this);
    if (listener && systemClock.nowMs() < (beatMs.get(this) ?? 0) + interval) return;
    listener?.heartbeat(true);
    try {
      await heartbeat.call(this, { interval: listener ? Number.NEGATIVE_INFINITY : interval });
    } finally {
      listener?.heartbeat(false);
    }
    beatMs.set(this, systemClock.nowMs());
  };
  prototype.joinAndSync = async function () {
    const listener = listenerOf(this);
    listener?.beforeJoin(this);
    await joinAndSync.call(this);
    listener?.afterSync(this);
  };
  prototype.leave = async function () {
    if (!listenerOf(this)) await leave.call(this);
  };
  prototype.recoverFromOffsetOutOfRange = async function (error) {
    const listener = listenerOf(this);
    if (listener) listener.outOfRange(this, error.topic, error.partition);
    else await recoverFromOffsetOutOfRange.call(this, error);
  };
}
