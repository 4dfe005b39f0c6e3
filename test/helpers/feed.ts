import { Subject } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';
import type { Envelope } from '../../src/record/envelope.ts';
import { type TestRun, testRun } from '../../src/testing.ts';

export interface Fed<T, R> {
  readonly run: TestRun;
  readonly source: Subject<Envelope<T>>;
  /** Every envelope that was sent in, in order. */
  readonly sent: Envelope<T>[];
  readonly out: Envelope<R>[];
  readonly send: (...values: T[]) => void;
  readonly values: () => R[];
  readonly ended: () => string;
  /** `outcome`, or `outcome: code or reason`, or `open`, of each record sent in. */
  readonly outcomes: () => string[];
  readonly unsubscribe: () => void;
}

/** An operator under test in virtual time: values in, envelopes out, and how every record ended. Outputs are written at once unless `keep`. */
export function feed<T, R>(operator: OperatorFunction<Envelope<T>, Envelope<R>>, { keep = false } = {}): Fed<T, R> {
  const run = testRun();
  const source = new Subject<Envelope<T>>();
  const sent: Envelope<T>[] = [];
  const out: Envelope<R>[] = [];
  let ended = 'open';
  const result: Observable<Envelope<R>> = source.pipe(operator);
  const subscription = result.subscribe({
    next: (envelope) => {
      out.push(envelope);
      if (!keep) run.sink(envelope);
    },
    error: (error: unknown) => {
      ended = error instanceof Error ? error.message : 'failed';
    },
    complete: () => {
      ended = 'complete';
    },
  });
  return {
    run,
    source,
    sent,
    out,
    send: (...values) => {
      for (const value of values) {
        const envelope = run.envelope(value);
        sent.push(envelope);
        source.next(envelope);
      }
    },
    values: () => out.map(({ value }) => value),
    ended: () => ended,
    outcomes: () => sent.map((envelope) => outcomeOf(run, envelope)),
    unsubscribe: () => {
      subscription.unsubscribe();
    },
  };
}

export function outcomeOf(run: Pick<TestRun, 'of'>, envelope: Envelope<unknown, unknown>): string {
  const { verdict } = run.of(envelope);
  if (!verdict) return 'open';
  if (verdict.outcome === 'done') return 'done';
  if (verdict.outcome === 'failed') return `failed: ${'code' in verdict.error ? String(verdict.error.code) : verdict.error.message}`;
  return `${verdict.outcome}: ${verdict.reason}`;
}
