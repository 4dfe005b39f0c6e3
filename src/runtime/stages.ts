export type Stage = 'waiting' | 'working' | 'handed' | 'over';

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

  /** A record goes from one stage to the next, which is returned; from the last there is no way on, whatever its parts do later. */
  move(from: Stage, to: Exclude<Stage, 'waiting'>): Stage {
    if (from === 'over') return from;
    if (from === 'working') this.working -= 1;
    if (from === 'handed') this.handed -= 1;
    if (to === 'working') this.working += 1;
    if (to === 'handed') this.handed += 1;
    return to;
  }
}
