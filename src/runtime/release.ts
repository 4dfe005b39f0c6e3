import type { Clock } from '../clock.ts';
import type { Committer } from '../flow/committer.ts';
import type { Owned } from '../flow/owned.ts';
import type { Source } from '../flow/source.ts';
import type { OwnedPartition } from '../transport/transport.ts';

export interface Release {
  readonly source: Source;
  readonly committer: Committer;
  readonly clock: Clock;
  /** Longest wait for what is in flight, in ms from now. */
  readonly deadlineMs: number;
  /** Ends the wait early. */
  readonly hurry?: () => boolean;
}

const lookEveryMs = 10;
const commitGraceMs = 2_000; // for the last commit when the deadline has passed: without it finished work would be done again

/**
 * Lets partitions go in the only order that loses nothing: no new work, wait for what is in flight, commit, abort the
 * rest and fence it. Returns the number of records that were given back.
 */
export async function releasePartitions({ source, committer, clock, deadlineMs, hurry = () => false }: Release, leaving: readonly OwnedPartition[], reason: string): Promise<number> {
  const owned = leaving.flatMap((one) => source.find(one) ?? []);
  source.leave(owned);
  const untilMs = clock.nowMs() + deadlineMs;
  const unfinished = (): number => owned.reduce((sum, one) => sum + one.taken.size, 0);
  while (unfinished() > 0 && clock.nowMs() < untilMs && !hurry()) await tick(clock);
  const abandonCommitMs = Math.max(untilMs, clock.nowMs() + commitGraceMs);
  await committer.flush(owned, () => clock.nowMs() >= abandonCommitMs || owned.every(isGone));
  const left = unfinished();
  source.lose(owned, reason);
  return left;
}

const isGone = ({ phase }: Owned): boolean => phase === 'gone';
const tick = (clock: Clock): Promise<void> => new Promise((resume) => void clock.schedule(lookEveryMs, resume));
