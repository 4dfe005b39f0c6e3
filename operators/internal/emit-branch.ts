import type { Subscriber } from 'rxjs';
import { branch, type Envelope } from '../../src/record/envelope.ts';
import { type Handle, watchLater } from '../../src/record/handle.ts';
import { sendDownstream } from './send-downstream.ts';

/**
 * Sends one of several results of an envelope on its way. What downstream has not finished by the time `next` returns is
 * watched from then on; what it has finished never pays for that.
 */
export function emitBranch<R, K>(
  out: Subscriber<Envelope<R, K>>,
  from: Envelope<unknown, K>,
  handle: Handle,
  result: { readonly value: R; readonly degraded?: readonly string[] },
): void {
  const { envelope, own } = branch(from, handle, result);
  sendDownstream(out, envelope);
  if (own.part.claims > 0) watchLater(own);
}
