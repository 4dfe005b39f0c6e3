import { type Clock, sleep } from '../clock.ts';
import type { Owned, Taken } from '../flow/owned.ts';
import type { Source } from '../flow/source.ts';
import { notBegun } from '../record/outcome.ts';
import type { OwnedPartition } from '../transport/transport.ts';
import type { Delivery } from './delivery.ts';

export interface Release {
  readonly source: Source;
  readonly delivery: Delivery;
  readonly clock: Clock;
  /** Longest wait for what is in flight, in ms from now. */
  readonly deadlineMs: number;
  /** Ends the wait early. */
  readonly hurry?: () => boolean;
}

const lookEveryMs = 10;
const graceMs = 2_000; // for acknowledgements and the last commit when the deadline has passed: without it finished work would be done again

/**
 * Lets partitions go in the only order that loses nothing: no new work (what waits for its first call, in a queue or for a policy, is given
 * back at once, or behind a slow model or a spent budget the calls for it would begin until the deadline, and be aborted then), wait for what is in flight, abort
 * the rest, let outputs that are on their way be acknowledged, commit, close the writers, fence. Returns the number of records
 * that were given back.
 */
export async function releasePartitions(release: Release, leaving: readonly OwnedPartition[], reason: string): Promise<number> {
  const { source, delivery, clock, deadlineMs, hurry = () => false } = release;
  const owned = leaving.flatMap((one) => source.find(one) ?? []);
  source.leave(owned);
  const untilMs = clock.nowMs() + deadlineMs;
  const inPipeline = (): readonly Taken[] => source.unfinished().filter(({ partition }) => owned.includes(partition));
  const letWaitingGo = (): number => {
    const waiting = inPipeline().filter(({ settlement }) => settlement?.isUncalled === true || settlement?.isKept === true);
    source.abandonAll(waiting, notBegun);
    return waiting.length;
  };
  let waiting = letWaitingGo();
  while (inPipeline().length > 0 && clock.nowMs() < untilMs && !hurry()) {
    await sleep(clock, lookEveryMs);
    waiting += letWaitingGo();
  }
  const aborted = inPipeline();
  source.abandonAll(aborted, reason);
  for (const one of owned) one.notes.leave(); // nothing is called for them any more: the last commit says exactly what was spent
  delivery.hurry(owned);
  const graceEndsMs = Math.max(untilMs, clock.nowMs() + graceMs);
  const unsettled = (): number => owned.reduce((sum, { inFlight }) => sum + inFlight, 0);
  while (unsettled() > 0 && clock.nowMs() < graceEndsMs) await sleep(clock, lookEveryMs);
  await delivery.flush(owned, () => clock.nowMs() >= graceEndsMs || owned.every(isGone));
  const unacknowledged = unsettled();
  await delivery.release(leaving);
  source.lose(owned, reason);
  return waiting + aborted.length + unacknowledged;
}

const isGone = ({ phase }: Owned): boolean => phase === 'gone';
