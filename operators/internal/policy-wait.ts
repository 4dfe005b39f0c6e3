import type { CallScope } from '../../src/call.ts';

/** One call's wait for a policy: the record's time stands still, and what is told of the wait follows the policy's words. */
export class PolicyWait {
  readonly #scope: CallScope;
  #reason: string;
  #resume: (() => void) | undefined;

  constructor(scope: CallScope, reason: string) {
    this.#scope = scope;
    this.#reason = reason;
  }

  /** What the policy is told as its `hold`. */
  readonly hold = (reason: string, untilMs: number): void => {
    this.#scope.hold(reason, untilMs);
    if (reason === this.#reason) return;
    this.#reason = reason;
    if (!this.#resume) return;
    const resume = this.#resume;
    this.#resume = this.#scope.suspend(reason); // first: the time must not go on between the two
    resume();
  };

  /** The record's time is not spent on our waiting. */
  begin(): void {
    this.#resume = this.#scope.suspend(this.#reason);
  }

  end(): void {
    this.#resume?.();
    this.#resume = undefined;
  }
}
