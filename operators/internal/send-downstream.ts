import type { Subscriber } from 'rxjs';
import { type Envelope, handleOf, runOf } from '../../src/record/envelope.ts';

/** Emits what has waited in an operator. If the stream ends meanwhile, the run knows which records have ended it. */
export function sendDownstream<E extends Envelope<unknown, unknown>>(out: Subscriber<E>, envelope: E): void {
  const run = runOf(envelope);
  const before = run.emitting;
  run.emitting = handleOf(envelope)?.part;
  out.next(envelope);
  run.emitting = before;
}
