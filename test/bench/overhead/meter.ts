import { reportFrom } from '../../helpers/worker.ts';

/** Counts records, and reports to the experiment: `ready`, `finished` with time and CPU time, `cpu` when asked. */
export class Meter {
  readonly #expected: number | undefined;
  readonly #stop: () => Promise<void>;
  #startedMs = 0;
  #cpu = process.cpuUsage();
  #over = false;

  constructor(expected: number | undefined, stop: () => Promise<void>) {
    this.#expected = expected;
    this.#stop = stop;
    process.on('message', (message) => {
      if (message === 'mark') this.#cpu = process.cpuUsage();
      if (message === 'stop') void this.#end('cpu');
    });
  }

  /** The first record is there. */
  first(): void {
    if (this.#startedMs > 0) return;
    this.#startedMs = performance.now();
    this.#cpu = process.cpuUsage();
  }

  /** So many are acknowledged. */
  done(count: number): void {
    if (count === this.#expected) void this.#end('finished');
  }

  async #end(kind: string): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const { user, system } = process.cpuUsage(this.#cpu);
    reportFrom(kind, { ms: performance.now() - this.#startedMs, cpuUs: user + system });
    await this.#stop();
    process.disconnect();
  }
}
