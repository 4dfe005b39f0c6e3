import { type Counts, eventsOf, type History, missingOf, nameOf, PartCounts, placeOf, type Problem } from './problem.ts';

/** Each record ends as it was meant to: with all its outputs, a dead letter of the right code, or nothing. */
export function* checkEnds(history: History): Generator<Problem> {
  const written = new PartCounts<number>();
  const letters = new PartCounts<string>();
  for (const { log, record, part } of eventsOf(history, 'output')) {
    if (record === undefined) yield { kind: 'wrong', message: `an output in ${log} descends from no record that is known: ${part}` };
    else written.add(record, part);
  }
  for (const { log, offset, code } of eventsOf(history, 'letter')) letters.add(placeOf(log, offset), code);
  for (const input of eventsOf(history, 'input')) {
    const { record, expected } = input;
    const at = placeOf(input.log, input.offset);
    const said = { record, name: nameOf(input), parts: written.of(record), codes: [...letters.of(at).keys()].map(String) };
    yield* checkEnd(said, expected);
    written.forget(record);
    letters.forget(at);
  }
  for (const record of written.records())
    yield { kind: 'wrong', record, message: `an output descends from record ${String(record)}, which was never written` };
  for (const at of letters.records()) yield { kind: 'wrong', message: `a dead letter names ${at}, where no record is` };
  yield* fromAborted(history);
}

interface Said {
  readonly record: number;
  readonly name: string;
  readonly parts: Counts;
  readonly codes: readonly string[];
}

function* checkEnd(
  { record, name, parts, codes: said }: Said,
  { outputs, codes, mustFail }: { readonly outputs: readonly string[]; readonly codes: readonly string[]; readonly mustFail: boolean },
): Generator<Problem> {
  for (const part of parts.keys())
    if (!outputs.includes(part ?? '')) yield { kind: 'wrong', record, message: `${name} has an output that nobody made: ${part ?? ''}` };
  for (const code of said)
    if (!codes.includes(code))
      yield { kind: 'wrong', record, message: `the dead letter of ${name} says ${code}, expected ${codes.join(' or ') || 'none'}` };
  if (said.length > 0) return;
  if (mustFail) yield { kind: 'lost', record, message: `${name} failed and has no dead letter` };
  else for (const part of missingOf(outputs, parts)) yield { kind: 'lost', record, message: `${name} lost its output ${part}` };
}

/** What a reader of committed records sees was committed. */
function* fromAborted(history: History): Generator<Problem> {
  const transactions = new Map<string, string>(); // by place in a log
  for (const { at, transaction } of eventsOf(history, 'acked'))
    if (at !== undefined && transaction !== undefined) transactions.set(at, transaction);
  if (transactions.size === 0) return;
  const ends = new Map(eventsOf(history, 'ended').map(({ transaction, outcome }) => [transaction, outcome]));
  const records = new Map(eventsOf(history, 'input').map((input) => [placeOf(input.log, input.offset), input.record]));
  for (const event of history) {
    if ((event.kind !== 'output' && event.kind !== 'letter') || event.at === undefined) continue;
    const transaction = transactions.get(event.at);
    const end = transaction === undefined ? 'committed' : ends.get(transaction);
    if (transaction === undefined || end === 'committed' || end === 'asked') continue;
    const record = event.kind === 'output' ? event.record : records.get(placeOf(event.log, event.offset));
    const what = end === 'aborted' ? 'was aborted' : 'was never ended';
    const message = `what record ${String(record)} wrote to ${event.at} is seen, though its transaction ${transaction} ${what}`;
    yield { kind: 'seen-from-aborted', ...(record === undefined ? {} : { record }), message };
  }
}
