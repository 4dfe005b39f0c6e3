import type { Event, EventOf, Expected } from './history.ts';

/** What can be wrong with a run. */
export type ProblemKind =
  /** An output or a dead letter that has to be there is not. */
  | 'lost'
  /** Something was written more often than anything that has happened explains. */
  | 'duplicated'
  /** An output that the record should not have, a dead letter with another code, or one of them from nowhere. */
  | 'wrong'
  /** A record was begun, called for or written before one in front of it in its lane. */
  | 'reordered'
  /** A reader of committed records sees what belongs to a transaction that was not committed. */
  | 'seen-from-aborted'
  /** A commit says of a record that it is done whose outputs, or dead letter, were not acknowledged. */
  | 'commit-past-unsettled'
  /** The offset that a group has stored became lower. */
  | 'commit-went-back'
  /** A record was done again by an owner that had stored it as completed, or had read that it is. */
  | 'called-again-after-commit'
  /** A record that waits in a retry topic was begun before its time. */
  | 'too-early'
  /** A record was done again although nothing had happened to its owner. */
  | 'done-twice'
  /** Two members called for one record at the same time, and both could know better. */
  | 'called-at-once'
  /** More was in flight than the caps allow. */
  | 'over-its-cap'
  /** Something was still there when it had to be gone: a running call, a timer, a record in flight. */
  | 'left-behind'
  /** The run stands still, or an app has failed. */
  | 'broken';

/** One thing that is wrong with a run. */
export interface Problem {
  readonly kind: ProblemKind;
  /** The record concerned, where there is one. */
  readonly record?: number;
  /** In words, for people. */
  readonly message: string;
}

/** What hurts a user goes before how it came to that. */
const weights: readonly ProblemKind[] = ['lost', 'duplicated', 'wrong', 'reordered', 'seen-from-aborted', 'called-again-after-commit'];

export function weightOf({ kind }: Problem): number {
  const at = weights.indexOf(kind);
  return at < 0 ? weights.length : at;
}

export type Input = EventOf<'input'>;
export type History = readonly Event[];

export function eventsOf<K extends Event['kind']>(history: History, kind: K): readonly EventOf<K>[] {
  return history.filter((event): event is EventOf<K> => event.kind === kind);
}

export const inputsById = (history: History): ReadonlyMap<number, Input> =>
  new Map(eventsOf(history, 'input').map((input) => [input.record, input]));

export const promisesExactlyOnce = (history: History): boolean =>
  eventsOf(history, 'promised').some(({ delivery }) => delivery === 'exactly-once');

/** Records in retry topics, by their places there. */
export const copiesByPlace = (history: History): ReadonlyMap<string, EventOf<'copy'>> =>
  new Map(eventsOf(history, 'copy').map((copy) => [copy.at, copy]));

/** Records that have waited in a retry topic. */
export const copiedRecords = (history: History): ReadonlySet<number> =>
  new Set([...eventsOf(history, 'copy'), ...eventsOf(history, 'postponed')].map(({ record }) => record));

/** A record as people find it: its number, and its place in the log. */
export const nameOf = ({ record, log, offset }: Input): string => `record ${String(record)} (${log}@${String(offset)})`;

export const placeOf = (log: string, offset: number): string => `${log}@${String(offset)}`;

/** How often each part of a record was seen. */
export type Counts = ReadonlyMap<string | undefined, number>;

/** Counts parts by record, or by whatever a record is called. */
export class PartCounts<K> {
  readonly #counts = new Map<K, Map<string | undefined, number>>();

  add(record: K, part: string | undefined): void {
    const parts = this.#counts.get(record) ?? new Map<string | undefined, number>();
    this.#counts.set(record, parts.set(part, (parts.get(part) ?? 0) + 1));
  }

  of(record: K): Counts {
    return this.#counts.get(record) ?? none;
  }

  forget(record: K): void {
    this.#counts.delete(record);
  }

  records(): Iterable<K> {
    return this.#counts.keys();
  }
}

const none: Counts = new Map();

/** Whether what was acknowledged is all that a record may come to; `undefined` among it stands for the dead letter. */
export function isFinished({ outputs, codes, mustFail }: Expected, acked: Counts): boolean {
  if (acked.has(undefined)) return codes.length > 0;
  return !mustFail && missingOf(outputs, acked).length === 0;
}

/** The expected parts that were seen less often than expected, each once. */
export function missingOf(outputs: readonly string[], seen: Counts): readonly string[] {
  if (outputs.length < 2) return outputs.filter((part) => !seen.has(part));
  const wanted = new Map<string, number>();
  for (const part of outputs) wanted.set(part, (wanted.get(part) ?? 0) + 1);
  return [...wanted].flatMap(([part, times]) => ((seen.get(part) ?? 0) < times ? [part] : []));
}
