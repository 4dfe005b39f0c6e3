import { defer, finalize, type Observable, tap } from 'rxjs';
import { isAbortError } from '../../errors.ts';
import type { PolicyState } from '../../policies/policy-state.ts';

/** What became of the calls of one of several models that vote. */
export interface VoterCounts {
  readonly name: string;
  readonly weight: number;
  running: number;
  calls: number;
  failures: number;
  /** Answers that were outvoted. */
  dissents: number;
}

export const newVoter = (name: string, weight: number): VoterCounts => ({ name, weight, running: 0, calls: 0, failures: 0, dissents: 0 });

/** A voter's call, counted as it begins and ends. */
export const countedVote = <T>(voter: VoterCounts, work: Observable<T>): Observable<T> =>
  defer(() => {
    voter.calls += 1;
    voter.running += 1;
    return work.pipe(
      tap({
        error: (error: unknown) => {
          if (!isAbortError(error)) voter.failures += 1;
        },
      }),
      finalize(() => {
        voter.running -= 1;
      }),
    );
  });

/** How the models of a vote fare. */
export function describedVoters(name: string, voters: readonly VoterCounts[]): PolicyState {
  const parts = voters.map(
    ({ name: part, weight, running, calls, failures, dissents }): PolicyState => ({
      ...{ name: part, kind: 'parallel-model', used: running, limit: Infinity, waiting: 0 },
      numbers: { calls_total: calls, failures_total: failures, dissents_total: dissents, weight },
    }),
  );
  const used = parts.reduce((sum, part) => sum + part.used, 0);
  // each call asks all, the first of them first
  return { name, kind: 'parallel-models', used, limit: Infinity, waiting: 0, numbers: { calls_total: voters[0]?.calls ?? 0 }, parts };
}
