import { type RedriveStep, type SkipReason, skipReasons } from '../flow/redrive-plan.ts';

const bytesPerToken = 4; // of English, about; what a model's own tokenizer says is known to the pipeline alone

/** What became of letters, or would. Holds a number per topic and reason. */
export class RedriveTally {
  readonly #sent = new Map<string, number>();
  readonly #skipped = new Map<SkipReason, number>();
  #bytes = 0;
  sent = 0;
  /** By earlier runs; at most, where the log has gaps. */
  sentBefore = 0;

  add(step: RedriveStep, isRefused = false): void {
    if (step.what === 'before') this.sentBefore += 1;
    else if (step.what === 'leave') this.#skip(step.why);
    else if (isRefused) this.#skip('refused');
    else {
      const { topic, record } = step.to;
      this.sent += 1;
      this.#bytes += record.value?.length ?? 0;
      this.#sent.set(topic, (this.#sent.get(topic) ?? 0) + 1);
    }
  }

  /** Of the values that were sent: an estimate. */
  get estimatedTokens(): number {
    return Math.ceil(this.#bytes / bytesPerToken);
  }

  get sentTo(): readonly (readonly [topic: string, letters: number])[] {
    return [...this.#sent].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  get skipped(): readonly (readonly [why: SkipReason, letters: number])[] {
    return (Object.keys(skipReasons) as SkipReason[]).flatMap((why) => {
      const letters = this.#skipped.get(why);
      return letters === undefined ? [] : [[why, letters] as const];
    });
  }

  /** Letters that the filters ask for and that stay. */
  get held(): number {
    return this.skipped.reduce((sum, [why, letters]) => (why === 'filter' || why === 'not_a_letter' ? sum : sum + letters), 0);
  }

  #skip(why: SkipReason): void {
    this.#skipped.set(why, (this.#skipped.get(why) ?? 0) + 1);
  }
}
