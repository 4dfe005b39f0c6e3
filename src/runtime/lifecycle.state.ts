/** Where a pipeline stands in its life. */
export type LifecycleState = 'starting' | 'running' | 'draining' | 'stopped' | 'failed';

const allowed: Readonly<Record<LifecycleState, readonly LifecycleState[]>> = {
  starting: ['running', 'draining', 'failed'],
  running: ['draining', 'failed'],
  draining: ['stopped', 'failed'],
  stopped: [],
  failed: [],
};

/** The life of one run of a pipeline; it ends once, as `stopped` or `failed`. */
export class Lifecycle {
  #state: LifecycleState = 'starting';

  get state(): LifecycleState {
    return this.#state;
  }

  get ended(): boolean {
    return this.#state === 'stopped' || this.#state === 'failed';
  }

  /** True when the step is allowed and was taken; a step that comes too late is not. */
  to(next: LifecycleState): boolean {
    if (!allowed[this.#state].includes(next)) return false;
    this.#state = next;
    return true;
  }
}
