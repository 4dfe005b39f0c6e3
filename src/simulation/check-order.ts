import type { Event } from './history.ts';
import { copiedRecords, eventsOf, type History, type Input, inputsById, nameOf, type Problem } from './problem.ts';

type Step = Event & { readonly kind: 'emitted' | 'call' | 'output' };

/** In a lane nothing starts, and nothing is written, before what stands in front of it: judged on first occurrences. */
export function* checkOrder(history: History): Generator<Problem> {
  const inputs = inputsById(history);
  const copied = copiedRecords(history); // others pass them while they wait, as their pipeline has accepted
  const emissions = new Map<number, number>();
  for (const { record } of eventsOf(history, 'emitted')) emissions.set(record, (emissions.get(record) ?? 0) + 1);
  const seen = new Set<string>();
  const furthest = new Map<string, Input>();
  for (const event of history) {
    if (!isStep(event) || event.record === undefined) continue;
    const input = inputs.get(event.record);
    if (input?.lane === undefined || copied.has(event.record) || !isJudged(event, input, emissions.get(event.record) ?? 0)) continue;
    const what = whatOf(event);
    const key = `${what} ${String(event.record)} ${event.kind === 'emitted' ? '' : event.part}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const line = `${what} ${input.lane}`;
    const before = furthest.get(line);
    if (before && before.offset > input.offset) {
      const message = `${what}: ${nameOf(input)} came after ${nameOf(before)} of its lane`;
      yield { kind: 'reordered', record: input.record, message };
    } else furthest.set(line, input);
  }
}

const isStep = (event: Event): event is Step =>
  event.kind === 'output' || event.kind === 'emitted' || (event.kind === 'call' && event.step === 'start');

function isJudged(event: Step, { expected, keyed }: Input, emissions: number): boolean {
  if (emissions === 1) return true;
  // it may fail once, and come through when it is done again: then its place is that of the second time
  if (expected.codes.length > (expected.mustFail ? 1 : 0)) return false;
  // without a key it may go elsewhere the second time; a part of what fails may be written the second time alone
  return event.kind !== 'output' || (keyed && !expected.mustFail);
}

/** Calls are judged by owner: what is done again may fail elsewhere than the first time, and call for other parts. */
function whatOf(event: Step): string {
  if (event.kind === 'output') return `output in ${event.log}`;
  return event.kind === 'call' ? `call in app ${String(event.app)}` : event.kind;
}
