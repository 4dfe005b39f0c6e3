import type { Part } from '../../src/record/part.ts';
import type { Run } from '../../src/record/run.ts';
import type { Tries } from '../../src/record/tries.ts';

/** The waits of one call for policies: while there is one, the time of its records stands still. */
export class Waits {
  readonly #part: Part;
  readonly #run: Run;
  readonly #tries: Tries;
  #open: Set<() => void> | undefined; // most calls never wait

  constructor(part: Part, run: Run, tries: Tries) {
    this.#part = part;
    this.#run = run;
    this.#tries = tries;
  }

  /** One more wait; the result ends it. */
  begin(reason: string): () => void {
    this.#tries.waits += 1;
    const resume = this.#part.suspend(() => this.#tries.passed === 0);
    this.#count(reason, 1);
    const open = (this.#open ??= new Set());
    const end = (): void => {
      if (!open.delete(end)) return;
      this.#count(reason, -1);
      resume();
    };
    open.add(end);
    return end;
  }

  /** A call that has ended waits for nothing, whatever its operators forgot. */
  endAll(): void {
    for (const end of [...(this.#open ?? [])]) end();
  }

  #count(reason: string, change: 1 | -1): void {
    const { waits } = this.#run;
    const calls = (waits?.get(reason) ?? 0) + change;
    if (calls > 0) waits?.set(reason, calls);
    else waits?.delete(reason);
  }
}
