import type { CancelTimer, Clock } from '../clock.ts';
import type { Source } from '../flow/source.ts';

const everyMs = 250; // how late a deadline may be noticed

/** Looks for records whose time is up: their calls are aborted, and what nobody works on fails. The result ends it. */
export function sweepDeadlines(source: Source, clock: Clock): CancelTimer {
  let cancel: CancelTimer = () => undefined;
  const look = (): void => {
    const nowMs = clock.nowMs();
    for (const owned of source.partitions) {
      for (const { settlement } of owned.taken())
        if (settlement && !settlement.closed && settlement.deadlineMs <= nowMs) settlement.expire();
    }
    cancel = clock.schedule(everyMs, look);
  };
  cancel = clock.schedule(everyMs, look);
  return () => {
    cancel();
  };
}
