import { Observable } from 'rxjs';
import { systemClock } from '../../../src/clock.ts';

/**
 * Of one sequence's time, what each further one beside it adds. By the roofline of decoding (Pope and others, 2022, "Efficiently Scaling Transformer Inference"): a step reads all weights once, whoever it is for, and for each sequence its cache,
 * and computes two operations a weight. A model of 8 billion weights of 2 bytes on a card of 2.04 TB/s and 312 Tflop/s, sequences of 500 tokens of 131 kB: 7.9 ms for the weights, and for each sequence 0.05 ms of arithmetic and 0.03 ms of
 * cache, which is 1 %. It is a formula, and no measurement of ours.
 */
const slowdown = 0.01;
export const places = 64;

/** How much longer `n` sequences take together than one alone. */
export const stretch = (n: number): number => 1 + slowdown * (n - 1);

interface Running {
  left: number;
  readonly end: () => void;
}

/**
 * A model as a GPU that batches continuously: alone a call takes so long; beside n - 1 others all go on at 1 / (1 + 0.01 (n - 1)) of that speed, up to 64 at once, beyond which calls wait. It answers nothing; it takes time.
 */
export class FakeGpu {
  readonly #running = new Set<Running>();
  readonly #waiting: Running[] = [];
  #since = systemClock.nowMs();
  #cancel: (() => void) | undefined;

  call(ms: number): Observable<number> {
    return new Observable((out) => {
      const one: Running = {
        left: ms,
        end: () => {
          out.next(ms);
          out.complete();
        },
      };
      this.#advance();
      if (this.#running.size < places) this.#running.add(one);
      else this.#waiting.push(one);
      this.#arm();
      return () => {
        this.#advance();
        this.#running.delete(one);
        const at = this.#waiting.indexOf(one);
        if (at >= 0) this.#waiting.splice(at, 1);
        this.#refill();
        this.#arm();
      };
    });
  }

  #advance(): void {
    const nowMs = systemClock.nowMs();
    const done = (nowMs - this.#since) / stretch(Math.max(1, this.#running.size));
    this.#since = nowMs;
    for (const one of this.#running) one.left -= done;
  }

  #refill(): void {
    while (this.#running.size < places) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#running.add(next);
    }
  }

  #arm(): void {
    this.#cancel?.();
    const least = Math.min(...[...this.#running].map(({ left }) => left));
    if (least === Infinity) return;
    this.#cancel = systemClock.schedule(Math.max(0, least * stretch(this.#running.size)), () => {
      this.#advance();
      const ended = [...this.#running].filter(({ left }) => left <= 0.05);
      for (const one of ended) this.#running.delete(one);
      this.#refill();
      this.#arm();
      for (const one of ended) one.end();
    });
  }
}
