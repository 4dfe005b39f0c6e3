import type { FaultName } from './history.ts';
import {
  type Counts,
  eventsOf,
  type History,
  inputsById,
  nameOf,
  PartCounts,
  placeOf,
  type Problem,
  promisesExactlyOnce,
} from './problem.ts';

/** After these an owner may have ended without finishing what it had begun: the next one does that again, rightly. */
const abrupt: ReadonlySet<FaultName> = new Set([
  'expelled',
  'crashed',
  'paused',
  'left-in-haste',
  'moved-in-haste',
  'down',
  'commit-lost',
  'commit-stored',
  'transaction-lost',
  'transaction-committed',
  'slow-transactions',
  'slow-markers',
  'slow-acks',
  'send-lost',
  'send-written',
]);

/** Nothing happens twice without a reason. */
export function* checkRepetitions(history: History): Generator<Problem> {
  yield* emittedAgain(history);
  yield* writtenAgain(history);
}

/**
 * A record is done again only when its stream was built anew, or after something that ends owners abruptly. One for which no call
 * was begun and nothing was written has not been done: it may go to another owner at any time.
 */
function* emittedAgain(history: History): Generator<Problem> {
  const inputs = inputsById(history);
  const builds = new Map<number, number>();
  const last = new Map<string, { readonly owner: string; readonly builds: number }>(); // by record, and by copy where it has some
  const begun = new Set<number>();
  let explained = false;
  for (const event of history) {
    if (event.kind === 'fault' && abrupt.has(event.name)) explained = true;
    if ((event.kind === 'call' && event.step === 'start' && !event.together) || event.kind === 'acked' || event.kind === 'unanswered')
      begun.add(event.record);
    if (event.kind === 'built') builds.set(event.app, (builds.get(event.app) ?? 0) + 1);
    if (event.kind !== 'emitted') continue;
    const { record, from = '' } = event;
    const which = `${String(record)} ${from}`;
    const now = { owner: `${String(event.app)}/${String(event.epoch)}`, builds: builds.get(event.app) ?? 0 };
    const before = last.get(which);
    last.set(which, now);
    const wasBegun = begun.delete(record);
    if (!before) continue;
    const input = inputs.get(record);
    const name = input ? nameOf(input) : `record ${String(record)}`;
    if (before.owner === now.owner && before.builds === now.builds)
      yield { kind: 'done-twice', record, message: `${name} was emitted twice into one stream` };
    if (before.owner !== now.owner && wasBegun && !explained)
      yield { kind: 'done-twice', record, message: `${name} was done again by ${now.owner} after ${before.owner}, which ended well` };
  }
}

/**
 * What stands in a log was written by somebody: once each time its record was done, and once more for each send without an
 * answer. With exactly-once, once.
 */
function* writtenAgain(history: History): Generator<Problem> {
  const isExact = promisesExactlyOnce(history);
  const done = new Map<number, number>();
  for (const { record } of eventsOf(history, 'emitted')) done.set(record, (done.get(record) ?? 0) + 1);
  const unanswered = new PartCounts<number>();
  for (const { record, part } of eventsOf(history, 'unanswered')) unanswered.add(record, part);
  const outputs = new PartCounts<number>();
  for (const { record, part } of eventsOf(history, 'output')) if (record !== undefined) outputs.add(record, part);
  const letters = new Map<string, number>();
  for (const { log, offset } of eventsOf(history, 'letter')) count(letters, placeOf(log, offset));
  const delivered = new Map<string, number>();
  for (const { log, offsets } of eventsOf(history, 'delivered')) for (const offset of offsets) count(delivered, placeOf(log, offset));
  for (const input of eventsOf(history, 'input')) {
    const { record, expected } = input;
    const times = done.get(record) ?? 0;
    const lost: Counts = unanswered.of(record);
    const at = placeOf(input.log, input.offset);
    const allowed = (base: number, part: string | undefined): number => (isExact ? Math.min(1, base) : base + (lost.get(part) ?? 0));
    const why = isExact ? 'although exactly once is promised' : `although its record ran ${String(times)} times`;
    for (const [part, seen] of outputs.of(record)) {
      const meant = Math.max(1, expected.outputs.filter((one) => one === part).length);
      if (seen > (isExact ? meant : allowed(meant * times, part)))
        yield { kind: 'duplicated', record, message: `output ${part ?? ''} of ${nameOf(input)} was written ${String(seen)} times ${why}` };
    }
    const seen = letters.get(at) ?? 0;
    // what cannot be decoded is never emitted
    if (seen > allowed(times > 0 ? times : (delivered.get(at) ?? 0), undefined))
      yield { kind: 'duplicated', record, message: `${nameOf(input)} has ${String(seen)} dead letters ${why}` };
  }
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}
