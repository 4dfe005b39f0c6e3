import type { LoggedCall } from './call-log.ts';
import type { Pause } from './crew.ts';

/** A record of the input, as an independent reader found it. */
export interface InputRecord {
  readonly id: number;
  readonly key: string;
  readonly partition: number;
  readonly offset: number;
}

/** Records in the order of each key's offsets, by key. */
function byKey(inputs: readonly InputRecord[]): ReadonlyMap<string, readonly InputRecord[]> {
  const keys = new Map<string, InputRecord[]>();
  for (const one of inputs) {
    const list = keys.get(one.key);
    if (list) list.push(one);
    else keys.set(one.key, [one]);
  }
  for (const list of keys.values()) list.sort((a, b) => a.offset - b.offset);
  return keys;
}

const least = (values: ReadonlyMap<number, number>, id: number): number => values.get(id) ?? Number.POSITIVE_INFINITY;

/**
 * Records whose first call started before the one before them, of the same key, was done for the first time. What is
 * delivered again may be called again, so only first occurrences count; a record that was never called is lost, not out of order.
 */
export function callsOutOfOrder(inputs: readonly InputRecord[], calls: readonly LoggedCall[]): readonly number[] {
  const [started, done] = [new Map<number, number>(), new Map<number, number>()];
  for (const { id, startUs, endUs, end } of calls) {
    started.set(id, Math.min(least(started, id), startUs));
    if (end === 'done') done.set(id, Math.min(least(done, id), endUs));
  }
  return outOfOrder(inputs, ({ id }, before) => started.has(id) && least(started, id) < least(done, before.id));
}

/** Records whose first output stands before that of the one before them, of the same key. `outputs` are ids in the log's order. */
export function outputsOutOfOrder(inputs: readonly InputRecord[], outputs: readonly number[]): readonly number[] {
  const first = new Map<number, number>();
  for (const [place, id] of outputs.entries()) if (!first.has(id)) first.set(id, place);
  return outOfOrder(inputs, ({ id }, before) => first.has(id) && least(first, id) < least(first, before.id));
}

function outOfOrder(inputs: readonly InputRecord[], isWrong: (record: InputRecord, before: InputRecord) => boolean): readonly number[] {
  return [...byKey(inputs).values()].flatMap((list) =>
    list.flatMap((record, at) => {
      const before = list[at - 1];
      return before && isWrong(record, before) ? [record.id] : [];
    }),
  );
}

export interface Overlap {
  readonly id: number;
  readonly who: readonly [string, string];
  /** A call of a process that stood still so long that its session had ended: nobody can keep the heir from calling, too. */
  readonly isExcused: boolean;
}

/**
 * Pairs of calls for one record that lived at the same time. A stop takes effect a while after it was asked for, on a busy
 * machine; but what is stopped writes nothing down, so whatever began before the end of a pause began before its process stood still.
 */
export function overlaps(calls: readonly LoggedCall[], pauses: readonly Pause[], sessionTimeoutMs: number): readonly Overlap[] {
  const expiries = pauses.filter(({ fromUs, untilUs }) => untilUs - fromUs >= (sessionTimeoutMs - heartbeatAgeMs) * 1_000);
  const sleptThrough = ({ who, startUs, endUs }: LoggedCall): boolean =>
    expiries.some((pause) => pause.who === who && startUs < pause.untilUs && endUs >= pause.untilUs);
  const byId = new Map<number, LoggedCall[]>();
  for (const call of calls) byId.set(call.id, [...(byId.get(call.id) ?? []), call]);
  return [...byId.values()].flatMap((list) =>
    list.flatMap((a, i) =>
      list.slice(i + 1).flatMap((b): Overlap[] => {
        if (a.startUs >= b.endUs || b.startUs >= a.endUs) return [];
        return [{ id: a.id, who: [a.who, b.who], isExcused: sleptThrough(a) || sleptThrough(b) }];
      }),
    ),
  );
}

const heartbeatAgeMs = 500; // the last heartbeat before a pause may have been so long ago

/** Calls that started though one for the same record was done: what a crash, or an expired session, made again. */
export function calledAgain(calls: readonly LoggedCall[]): readonly LoggedCall[] {
  const done = new Map<number, number>();
  for (const { id, end, endUs } of calls) if (end === 'done') done.set(id, Math.min(least(done, id), endUs));
  return calls.filter(({ id, startUs }) => startUs > least(done, id));
}

/** The longest time, in ms, in which no call was done, between the first that was and the last. */
export function longestStandstill(calls: readonly LoggedCall[], fromUs = 0, untilUs = Number.POSITIVE_INFINITY): number {
  const ends = calls.filter(({ end, endUs }) => end === 'done' && endUs >= fromUs && endUs <= untilUs).map(({ endUs }) => endUs);
  const times = [...(fromUs > 0 ? [fromUs] : []), ...ends.sort((a, b) => a - b)];
  return times.reduce((most, time, at) => Math.max(most, time - (times[at - 1] ?? time)), 0) / 1_000;
}
