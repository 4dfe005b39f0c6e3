import type { SettlementObserver } from '../record/outcome.ts';

/** How many records stand where, and how long they waited for their first call. Holds counters only. */
export class Stages {
  /** Records for which a call was begun, and which are not with the sink. */
  working = 0;
  /** Records that the pipeline is through with and that are not acknowledged. */
  handed = 0;
  /** Records for which a call was begun, from the start. */
  begun = 0;
  /** How long they had waited for it, in ms, all together. */
  waitedMs = 0;

  /** Counts the way of one record, taken at `takenMs`, and passes on what its settlement tells. */
  observed(takenMs: number, nowMs: () => number, inner: SettlementObserver): SettlementObserver {
    let stage: 'waiting' | 'working' | 'handed' | 'over' = 'waiting';
    const to = (next: typeof stage): void => {
      if (stage === 'over') return; // whatever its parts do later
      if (stage === 'working') this.working -= 1;
      if (stage === 'handed') this.handed -= 1;
      if (next === 'working') this.working += 1;
      if (next === 'handed') this.handed += 1;
      stage = next;
    };
    return {
      begun: () => {
        if (stage !== 'waiting') return;
        this.begun += 1;
        this.waitedMs += nowMs() - takenMs;
        to('working');
      },
      handed: () => {
        to('handed');
        inner.handed();
      },
      decided: (verdict) => {
        to('over');
        inner.decided(verdict);
      },
    };
  }
}
