import { isAbortError, StreamError } from '../../errors.ts';

/** Who waits for the result of a call that others may wait for, too. */
export interface FlightListener {
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
  /** The call waits for a policy: the time of whoever waits for it stands still. The result ends that. */
  suspend(reason: string): () => void;
  /** A step of the call stood in for another one. The result takes that back. */
  degrade(step: string): () => void;
}

/** Subscribes to the call, and tells all that wait; the result aborts it. */
export type Begin = (all: FlightListener) => () => void;

/**
 * Joins the call that runs for `key`, or begins one. A late comer gets first what has come already. The result leaves it: the call is aborted
 * when the last one has left.
 */
export type Join = (key: string, begin: Begin, listener: FlightListener) => () => void;

interface Mark {
  readonly put: (listener: FlightListener) => () => void;
  readonly undo: (() => void)[];
}

interface Flight {
  readonly key: string;
  /** Each with the call that it would make. */
  readonly listeners: Map<FlightListener, Begin>;
  /** What has come, for those who join later. */
  readonly values: unknown[];
  /** Waits and marks that hold at present, for those who join later. */
  readonly marks: Set<Mark>;
  abort: (() => void) | undefined;
  over: boolean;
}

/** Calls that run, by key: one each, however many wait for it. */
export class Flights {
  readonly #flights = new Map<string, Flight>();

  has(key: string): boolean {
    return this.#flights.has(key);
  }

  readonly join: Join = (key, begin, listener) => {
    const running = this.#flights.get(key);
    const flight: Flight = running ?? { key, listeners: new Map(), values: [], marks: new Set(), abort: undefined, over: false };
    flight.listeners.set(listener, begin);
    for (const { put, undo } of flight.marks) undo.push(put(listener));
    for (const value of [...flight.values]) if (flight.listeners.has(listener)) listener.next(value);
    if (!running) {
      this.#flights.set(key, flight);
      this.#begin(flight, begin);
    }
    return () => {
      this.#leave(flight, listener);
    };
  };

  #begin(flight: Flight, begin: Begin): void {
    const state = { ended: false };
    const end = (tell: (listener: FlightListener) => void): void => {
      state.ended = true;
      const listeners = [...flight.listeners.keys()];
      this.#end(flight);
      for (const one of listeners) tell(one);
    };
    const mark = (put: Mark['put']): (() => void) => {
      const one: Mark = { put, undo: [...flight.listeners.keys()].map(put) };
      flight.marks.add(one);
      return () => {
        flight.marks.delete(one);
        for (const undo of one.undo) undo();
      };
    };
    flight.abort = undefined;
    const abort = begin({
      next: (value) => {
        flight.values.push(value);
        for (const one of [...flight.listeners.keys()]) one.next(value);
      },
      error: (error) => {
        state.ended = true;
        if (isAbortError(error) && !flight.over) this.#goOn(flight);
        else
          end((one) => {
            one.error(error);
          });
      },
      complete: () => {
        end((one) => {
          one.complete();
        });
      },
      suspend: (reason) => mark((one) => one.suspend(reason)),
      degrade: (step) => mark((one) => one.degrade(step)),
    });
    if (flight.over)
      abort(); // it has ended, or the last one has left, while it began
    else if (!state.ended) flight.abort = abort;
  }

  /** The record that the call was made for is gone, and took its call with it: the next one who waits makes its own. */
  #goOn(flight: Flight): void {
    const [next] = flight.listeners.values();
    if (next && flight.values.length === 0) {
      this.#begin(flight, next);
      return;
    }
    const listeners = [...flight.listeners.keys()];
    this.#end(flight);
    const error = new StreamError('call_failed', 'the call for which several records waited was aborted with the record it was made for');
    for (const one of listeners) one.error(error);
  }

  #end(flight: Flight): void {
    flight.over = true;
    flight.listeners.clear();
    this.#flights.delete(flight.key);
  }

  #leave(flight: Flight, listener: FlightListener): void {
    if (!flight.listeners.delete(listener) || flight.listeners.size > 0) return;
    const { abort } = flight;
    this.#end(flight);
    abort?.();
  }
}
