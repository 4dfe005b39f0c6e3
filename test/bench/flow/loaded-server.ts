import { Observable } from 'rxjs';
import type { Clock } from '../../../src/clock.ts';
import { OverloadError } from '../../../src/errors.ts';

export interface LoadedServerOptions {
  readonly clock: Clock;
  /** Requests that run at once. */
  readonly capacity: number;
  /** What becomes of those above it. */
  readonly above: 'refuses' | 'queues';
  /** What a refusal asks for. */
  readonly retryAfterMs?: number;
  /** A request takes this times what its load says; for some that are slow, or lengths that differ. @defaultValue 1 */
  readonly factor?: () => number;
}

/** A server of which one request takes 20 ms, and 2 ms more for each that runs when it begins, itself included. */
export class LoadedServer {
  readonly #options: LoadedServerOptions;
  readonly #waiting = new Set<() => void>();
  capacity: number;
  running = 0;
  served = 0;
  refused = 0;

  constructor(options: LoadedServerOptions) {
    this.#options = options;
    this.capacity = options.capacity;
  }

  /** Calls per millisecond with so many at a time. */
  static rate(running: number): number {
    return running / (20 + 2 * running);
  }

  /** The smallest limit that gives 95 % of what the server can give at most. */
  static knee(capacity: number): number {
    const wanted = 0.95 * LoadedServer.rate(capacity);
    return Math.ceil((20 * wanted) / (1 - 2 * wanted));
  }

  /** One request, made on subscription and given up on unsubscription. */
  request(): Observable<number> {
    const { clock, above, retryAfterMs, factor = () => 1 } = this.#options;
    return new Observable((out) => {
      let stop = (): void => undefined;
      const begin = (): void => {
        this.running += 1;
        const end = clock.schedule((20 + 2 * this.running) * factor(), () => {
          stop = () => undefined;
          this.served += 1;
          this.#leave();
          out.next(this.served);
          out.complete();
        });
        stop = () => {
          end();
          this.#leave();
        };
      };
      if (this.running < this.capacity) begin();
      else if (above === 'queues') {
        this.#waiting.add(begin);
        stop = () => this.#waiting.delete(begin);
      } else {
        this.refused += 1;
        const refusal = new OverloadError('too many at once', { status: 429, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
        stop = clock.schedule(1, () => {
          out.error(refusal);
        });
      }
      return () => {
        stop();
      };
    });
  }

  #leave(): void {
    this.running -= 1;
    for (const next of this.#waiting) {
      if (this.running >= this.capacity) return;
      this.#waiting.delete(next);
      next();
    }
  }
}
