import type { GroupInternals, GroupListener } from './internals.ts';

const listenerOf = (group: GroupInternals): GroupListener | undefined => group.assigners.find(({ millrace }) => millrace)?.millrace;

/**
 * kafkajs awaits nothing before a re-join, forgets its positions in it, and answers an offset outside the log by
 * committing a special value over the group's own. When it crashes it leaves the group, though the work goes on. Groups
 * that carry our listener in their assigner are told before and after each join, and decide themselves what follows an
 * offset out of range, and when to leave; all others stay as they are.
 */
export function patchGroup(prototype: GroupInternals): void {
  const { joinAndSync, leave, recoverFromOffsetOutOfRange } = prototype;
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
