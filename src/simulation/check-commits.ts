import type { EventOf } from './history.ts';
import { copiesByPlace, type History, type Input, inputsById, isFinished, nameOf, PartCounts, placeOf, type Problem } from './problem.ts';

type Postponed = EventOf<'postponed'>;

/** What a commit can pass: a record in its own topic (round 0), or a copy of it in a retry topic. */
interface Passage extends Input {
  readonly round: number;
}

/** No commit passes a record that is not finished or says that one is completed which is not, and none goes back. */
export function* checkCommits(history: History): Generator<Problem> {
  const open = new Map<string, Passage[]>(); // by log, in offset order
  const inputs = inputsById(history);
  const postponed = new Map<number, number>(); // by record: the latest run that it waits for, or has waited for
  const postpone = ({ record, round }: Postponed): void => void postponed.set(record, Math.max(round, postponed.get(record) ?? 0));
  const add = (passage: Passage): void => void open.set(passage.log, [...(open.get(passage.log) ?? []), passage]);
  const acked = new PartCounts<number>();
  const committed = new Map<string, number>();
  const pending = new Map<string, (EventOf<'acked'> | Postponed)[]>(); // by transaction
  const settle = (event: EventOf<'acked'> | Postponed): void => {
    if (event.kind === 'acked') acked.add(event.record, event.part);
    else postpone(event);
  };
  for (const event of history) {
    if (event.kind === 'input') add({ ...event, round: 0 });
    if (event.kind === 'copy') {
      const { log, offset, record, round } = event;
      const input = inputs.get(record);
      if (input) add({ ...input, log, offset, round });
    }
    if (event.kind === 'acked' || event.kind === 'postponed') {
      if (event.transaction === undefined) settle(event);
      else pending.set(event.transaction, [...(pending.get(event.transaction) ?? []), event]);
    }
    // outputs and the offset that says so become true in one moment, which may be before the answer
    if (event.kind === 'ended') {
      if (event.outcome !== 'aborted') for (const one of pending.get(event.transaction) ?? []) settle(one);
      pending.delete(event.transaction);
    }
    if (event.kind !== 'commit') continue;
    const { log, offset, completed } = event;
    const at = placeOf(log, offset);
    const before = committed.get(log) ?? 0;
    if (offset < before)
      yield { kind: 'commit-went-back', message: `the commit of ${log} went back from ${String(before)} to ${String(offset)}` };
    committed.set(log, offset);
    const passages = open.get(log) ?? [];
    const left = passages.filter((input) => input.offset >= offset);
    open.set(log, left);
    const unfinished = ({ expected, record, round }: Passage): boolean =>
      !isFinished(expected, acked.of(record)) && (postponed.get(record) ?? 0) <= round;
    for (const input of passages) {
      if (input.offset < offset && unfinished(input))
        yield {
          kind: 'commit-past-unsettled',
          record: input.record,
          message: `commit ${at} passed ${nameOf(input)}, which was not finished`,
        };
    }
    if (completed.length === 0) continue;
    const said = new Set(completed);
    for (const input of left) {
      if (said.has(input.offset) && unfinished(input)) {
        const message = `commit ${at} says that ${nameOf(input)} is completed, which was not finished`;
        yield { kind: 'commit-past-unsettled', record: input.record, message };
      }
    }
  }
  yield* doneAgain(history);
}

/** What an owner knows to be completed: what it read when it came, and what was stored as long as nobody came after it. */
class Known {
  offset = 0;
  completed: ReadonlySet<number> = new Set();

  covers(offset: number): boolean {
    return offset < this.offset || this.completed.has(offset);
  }
}

/** What was stored as completed is not done again by an owner that knew it, whatever has happened. */
function* doneAgain(history: History): Generator<Problem> {
  const stored = new Map<string, Known>(); // by log; the object of the present owner is kept up to date
  const known = new Map<string, Known>(); // by log and owner
  const inputs = inputsById(history);
  const copies = copiesByPlace(history);
  for (const event of history) {
    if (event.kind === 'commit') {
      const now = stored.get(event.log) ?? new Known();
      now.offset = event.offset;
      now.completed = new Set(event.completed);
      stored.set(event.log, now);
    }
    if (event.kind === 'assigned') {
      const mine = Object.assign(new Known(), stored.get(event.log));
      stored.set(event.log, mine);
      known.set(`${event.log} ${String(event.app)}/${String(event.epoch)}`, mine);
    }
    if (event.kind !== 'emitted') continue;
    const input = inputs.get(event.record);
    const place = event.from === undefined ? input : copies.get(event.from);
    if (!input || !place) continue;
    const owner = `${String(event.app)}/${String(event.epoch)}`;
    if (known.get(`${place.log} ${owner}`)?.covers(place.offset) === true) {
      const message = `${nameOf(input)} was done again by ${owner}, which knew that it was completed`;
      yield { kind: 'called-again-after-commit', record: input.record, message };
    }
  }
}
