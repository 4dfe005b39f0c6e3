import { positionOf, type Taken } from '../flow/owned.ts';
import { Settlement } from '../record/lineage.ts';
import type { SettlementObserver, Verdict } from '../record/outcome.ts';
import type { Run } from '../record/run.ts';
import type { Stage, Stages } from './stages.ts';

/** What is the same for all records of a line. */
export interface WayOptions {
  readonly run: Run;
  readonly deadlineMs: number;
  readonly stages: Stages;
  /** Its present run is through with it. */
  handed(taken: Taken, settlement: Settlement): void;
  /** A run was given back, the present one or one before. */
  givenBack(settlement: Settlement): void;
  /** Its present run is settled. */
  settle(taken: Taken, verdict: Verdict): void;
}

/** One run of one record: counts its stages, and tells the line how it ends. A record has one after the other, where streams restart. */
export class Way implements SettlementObserver {
  readonly settlement: Settlement;
  readonly #options: WayOptions;
  readonly #taken: Taken;
  #stage: Stage = 'waiting';

  // One object a record, and no closures: this is the hottest place there is.
  constructor(options: WayOptions, taken: Taken) {
    this.#options = options;
    this.#taken = taken;
    this.settlement = new Settlement(positionOf(taken), options.deadlineMs, options.run, this);
    this.settlement.arrival = taken;
  }

  get #isPresent(): boolean {
    return this.#taken.settlement === this.settlement;
  }

  begun(): void {
    if (this.#stage !== 'waiting') return;
    const { stages, run } = this.#options;
    stages.begun += 1;
    stages.waitedMs += run.clock.nowMs() - this.#taken.takenMs;
    this.#stage = stages.move(this.#stage, 'working');
  }

  handed(): void {
    this.#stage = this.#options.stages.move(this.#stage, 'handed');
    if (this.#isPresent) this.#options.handed(this.#taken, this.settlement);
  }

  decided(verdict: Verdict): void {
    this.#stage = this.#options.stages.move(this.#stage, 'over');
    if (verdict.outcome === 'given-back') this.#options.givenBack(this.settlement);
    if (this.#isPresent) this.#options.settle(this.#taken, verdict);
  }
}
