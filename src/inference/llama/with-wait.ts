import type { WorkEvent } from './protocol.ts';

/** A call has waited for its process, and in it for its sequence. */
export function withWait(event: WorkEvent & { readonly kind: 'done' }, waitedMs: number): WorkEvent {
  const { result } = event;
  if (!('timings' in result)) return event;
  const timings = { ...result.timings, queuedMs: waitedMs + result.timings.queuedMs };
  return { ...event, result: { ...result, timings } };
}
