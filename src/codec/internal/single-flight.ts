import { abortReason } from '../../clock.ts';

interface Flight<T> {
  readonly end: AbortController;
  readonly answer: Promise<T>;
  waiting: number;
}

/** Who asks the same at the same time gets the same answer. What nobody waits for any more is aborted. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  async ask(key: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#begin(key, work);
    flight.waiting += 1;
    try {
      return await (signal ? unlessAborted(flight.answer, signal) : flight.answer);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        if (this.#flights.get(key) === flight) this.#flights.delete(key); // the next one asks anew
        flight.end.abort(new DOMException('nobody waits for it any more', 'AbortError'));
      }
    }
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const end = new AbortController();
    const flight: Flight<T> = { end, answer: work(end.signal), waiting: 0 };
    const over = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    flight.answer.then(over, over);
    this.#flights.set(key, flight);
    return flight;
  }
}

async function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => {
    aborted.reject(abortReason(signal));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([answer, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
