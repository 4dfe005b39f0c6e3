import type { CancelTimer, Clock } from '../clock.ts';
import type { Taken } from '../flow/owned.ts';
import type { Source } from '../flow/source.ts';
import type { Settlement } from '../record/lineage.ts';
import type { Stats } from './stats.ts';

const everyMs = 250; // how late a deadline may be noticed
const suspiciousMs = 10_000;

/**
 * Looks for records whose time is up: their calls are aborted, and what nobody works on fails. Long before that it says
 * which record nobody works on: in a pipeline that loses one, the deadline is the end of a long silence. And it finds out that
 * nothing can move any more. The result ends it.
 */
export function sweepDeadlines(source: Source, clock: Clock, stats: Stats): CancelTimer {
  let cancel: CancelTimer = () => undefined;
  const unworkedSinceMs = new WeakMap<Settlement, number>();
  const isSuspicious = (settlement: Settlement, nowMs: number): boolean => {
    if (!settlement.isUnworked) {
      unworkedSinceMs.delete(settlement);
      return false;
    }
    const sinceMs = unworkedSinceMs.get(settlement) ?? nowMs;
    unworkedSinceMs.set(settlement, sinceMs);
    return nowMs - sinceMs >= suspiciousMs;
  };
  const look = (): void => {
    const nowMs = clock.nowMs();
    let suspect: Taken | undefined;
    for (const owned of source.partitions) {
      for (const taken of owned.taken()) {
        const { settlement } = taken;
        if (!settlement || settlement.closed) continue;
        if (settlement.deadlineMs <= nowMs) settlement.expire();
        else if (isSuspicious(settlement, nowMs)) suspect ??= taken;
      }
    }
    stats.stalled = standstill(source);
    stats.trouble('windows', stats.stalled);
    stats.trouble('process', suspect && suspicion(stats.place(suspect)));
    cancel = clock.schedule(everyMs, look);
  };
  cancel = clock.schedule(everyMs, look);
  return () => {
    cancel();
  };
}

const suspicion = (position: string): string =>
  `for ${String(suspiciousMs / 1000)} s no operator has worked on record ${position} (the first of its kind): an operator of RxJS keeps or has lost it, as filter, switchMap and bufferCount do; use keepOnly, drop, split or batchWithin. It fails as envelope_lost when its deadline has passed`;

/** Why nothing will ever move again: all that may be in flight is kept for windows to come, which nothing more can fill. */
function standstill({ partitions, window, closedBy }: Source): string | undefined {
  if (closedBy === undefined || window.records === 0 || window.isHeld || window.share < 1) return undefined;
  let kept = 0;
  for (const owned of partitions)
    for (const { over, settlement } of owned.taken()) {
      if (over) continue;
      if (settlement?.isKept !== true) return undefined;
      kept += 1;
    }
  if (kept < window.records) return undefined;
  return `nothing moves: all ${String(kept)} records in flight are kept by slidingWindow until more come, and no more may (${closedBy}): raise maxRecordsInFlight and maxBytesInFlight above what a window for each partition holds, make windows smaller, or share the partitions among more members`;
}
