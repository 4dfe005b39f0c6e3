import { copiesByPlace, eventsOf, type History, inputsById, nameOf, type Problem } from './problem.ts';

/** No run that waits in a retry topic begins before its time, and none is left out. */
export function* checkDelays(history: History): Generator<Problem> {
  const copies = copiesByPlace(history);
  if (copies.size === 0) return;
  const inputs = inputsById(history);
  yield* leftOut(history);
  for (const { record, from, atMs = 0 } of eventsOf(history, 'emitted')) {
    const dueMs = copies.get(from ?? '')?.dueMs ?? 0;
    if (from === undefined || atMs >= dueMs) continue;
    const input = inputs.get(record);
    const message = `${input ? nameOf(input) : `record ${String(record)}`} ran from ${from} ${String(dueMs - atMs)} ms too early`;
    yield { kind: 'too-early', record, message };
  }
}

function* leftOut(history: History): Generator<Problem> {
  const rounds = new Map<number, number>(); // by record: the last run that it has waited for
  for (const { record, round, at } of eventsOf(history, 'copy')) {
    const before = rounds.get(record) ?? 0;
    if (round > before + 1) {
      const message = `record ${String(record)} waits at ${at} for run ${String(round)}, and has not waited for run ${String(before + 1)}`;
      yield { kind: 'wrong', record, message };
    }
    rounds.set(record, Math.max(before, round));
  }
}
