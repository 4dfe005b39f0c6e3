import { copiesByPlace, eventsOf, type History, inputsById, nameOf, type Problem } from './problem.ts';

/** No run that waits in a retry topic begins before its time. */
export function* checkDelays(history: History): Generator<Problem> {
  const copies = copiesByPlace(history);
  if (copies.size === 0) return;
  const inputs = inputsById(history);
  for (const { record, from, atMs = 0 } of eventsOf(history, 'emitted')) {
    const dueMs = copies.get(from ?? '')?.dueMs ?? 0;
    if (from === undefined || atMs >= dueMs) continue;
    const input = inputs.get(record);
    const message = `${input ? nameOf(input) : `record ${String(record)}`} ran from ${from} ${String(dueMs - atMs)} ms too early`;
    yield { kind: 'too-early', record, message };
  }
}
