import { deadLetterHeaders } from '../../../src/flow/dead-letters.ts';
import { decodeHistory, type HistoryEntry } from '../../../src/flow/failure-history.ts';
import type { Finding } from '../../helpers/experiment.ts';
import type { ReadMessage } from '../../helpers/read-topic.ts';
import type { Answer, Item, Topics } from './case.ts';

/** What an independent reader of committed records found, by topic. */
export interface Read {
  readonly topics: Topics;
  readonly delaysMs: readonly number[];
  readonly delivery: 'at-least-once' | 'exactly-once';
  readonly inputs: readonly ReadMessage[];
  readonly outputs: readonly ReadMessage[];
  readonly letters: readonly ReadMessage[];
  /** Of each retry topic. */
  readonly waited: readonly (readonly ReadMessage[])[];
}

/** One record that waited, as its retry topic has it. */
interface Copy {
  readonly id: number;
  readonly round: number;
  readonly failedMs: number;
  readonly notBeforeMs: number;
  readonly history: readonly HistoryEntry[];
}

/** A record's own header, which every reader of its outputs and letters has to find again. */
export const traceHeader = 'trace';

export function judgeEnds(read: Read): readonly Finding[] {
  const { topics, delivery, inputs } = read;
  const items = inputs.map(itemOf);
  const [outputs, letters] = [read.outputs.map(idOf), read.letters.map(idOf)];
  const copies = copiesOf(read);
  const [written, dead] = [new Set(outputs), new Set(letters)];
  const isExact = delivery === 'exactly-once';
  const again = (ids: readonly number[]): number => ids.length - new Set(ids).size;
  const perRound = read.waited.map((messages) => again(messages.map(idOf)));
  const lost = items.filter(({ id }) => !written.has(id) && !dead.has(id));
  const wrong = items.filter(({ id, failsUntilMs }) => (failsUntilMs === null ? written.has(id) : dead.has(id)));
  const sources = new Map(inputs.map((one) => [idOf(one), one]));
  const faults = read.letters.flatMap((letter) => letterFaults(letter, sources.get(idOf(letter)), topics));
  const changed = read.outputs.filter((one) => textIn(one, traceHeader) !== String(idOf(one)));
  const waits = waitsOf(read, copies);
  const short = waits.filter(({ ms, delayMs }) => ms < delayMs - betweenClocksMs);
  return [
    finding('records', items.length, 'some', items.length > 0),
    finding(
      'that waited, by retry topic',
      read.waited.map(({ length }) => length).join(', '),
      'some',
      read.waited.every((one) => one.length > 0),
    ),
    none('records in neither the output nor the dead letters', lost),
    none('records that ended the wrong way', wrong),
    finding(
      'outputs, waits and letters written again',
      [again(outputs), ...perRound, again(letters)].join(', '),
      isExact ? '0 each' : '',
      !isExact || [again(outputs), ...perRound, again(letters)].every((n) => n === 0),
    ),
    none('dead letters whose story is wrong', faults),
    none('outputs that lost their headers', changed.map(idOf)),
    none(`runs that came too early, of ${String(waits.length)}`, short),
    finding('shortest waits', read.delaysMs.map((delayMs) => shortest(waits, delayMs)).join(', '), '', waits.length > 0),
  ];
}

/** Two processes' clocks begin with the machine's and run apart a little: the one failed, the other runs. */
const betweenClocksMs = 5;

const shortest = (waits: readonly Wait[], delayMs: number): string => {
  const all = waits.filter((one) => one.delayMs === delayMs).map(({ ms }) => ms);
  return `${String(Math.min(...all))} ms of ${String(delayMs)}`;
};

/** From a failure to the run that it led to. */
interface Wait {
  readonly id: number;
  readonly delayMs: number;
  readonly ms: number;
}

/** Every wait whose end is known: it failed again, which its story tells, or it has come to the one output that can be its own. */
function waitsOf(read: Read, copies: ReadonlyMap<string, Copy>): readonly Wait[] {
  const { delaysMs, letters, outputs, waited } = read;
  const waitOf = (copy: Copy, calledMs: number): Wait => {
    const delayMs = delaysMs[copy.round - 1] ?? 0;
    // held against both: the delay that was asked for, and the time that was noted
    return { id: copy.id, delayMs, ms: Math.min(calledMs - copy.failedMs, calledMs - copy.notBeforeMs + delayMs) };
  };
  const stories = [...letters, ...waited.flat()].flatMap((message) =>
    decodeHistory(textIn(message, deadLetterHeaders.history)).entries.flatMap(({ at, on }): readonly Wait[] => {
      const copy = copies.get(on);
      return copy ? [waitOf(copy, Date.parse(at))] : [];
    }),
  );
  const byId = Map.groupBy(copies.values(), ({ id }) => id);
  const answers = Map.groupBy(outputs, idOf);
  const answered = [...byId].flatMap(([id, all]): readonly Wait[] => {
    const [answer, more] = answers.get(id) ?? [];
    const last = all.toSorted((a, b) => b.round - a.round)[0];
    const isPlain = more === undefined && new Set(all.map(({ round }) => round)).size === all.length;
    return answer && last && isPlain ? [waitOf(last, answerOf(answer).calledMs)] : [];
  });
  return [...stories, ...answered];
}

function copiesOf({ topics, waited }: Read): ReadonlyMap<string, Copy> {
  const names = deadLetterHeaders;
  return new Map(
    waited.flatMap((messages, i) =>
      messages.map((message): [string, Copy] => [
        `${String(topics.retry[i])}/${String(message.partition)}@${message.offset}`,
        {
          id: idOf(message),
          round: i + 1,
          failedMs: Date.parse(textIn(message, names.failedAt) ?? ''),
          notBeforeMs: Number(textIn(message, names.notBefore)),
          history: decodeHistory(textIn(message, names.history)).entries,
        },
      ]),
    ),
  );
}

function letterFaults(letter: ReadMessage, source: ReadMessage | undefined, topics: Topics): readonly string[] {
  const names = deadLetterHeaders;
  const text = (name: string): string | undefined => textIn(letter, name);
  const { entries, omitted } = decodeHistory(text(names.history));
  const runs = [topics.input, ...topics.retry];
  const wanted: readonly (readonly [string, boolean])[] = [
    ['value', source !== undefined && String(letter.value) === String(source.value)],
    ['key', String(letter.key) === String(source?.key)],
    [
      'place',
      `${String(text(names.topic))}/${String(text(names.partition))}@${String(text(names.offset))}` === placeOf(topics.input, source),
    ],
    ['code', text(names.code) === 'call_failed'],
    ['attempts', text(names.attempts) === String(runs.length)],
    ['retries', text(names.retries) === String(topics.retry.length)],
    ['history', omitted === 0 && entries.map(({ on }) => on.split('/')[0]).join() === runs.join()],
    ['first entry', entries[0]?.on === placeOf(topics.input, source)],
    ['order of its history', entries.every(({ at }, i) => i === 0 || at > (entries[i - 1]?.at ?? ''))],
    ['own headers', textIn(letter, traceHeader) === String(idOf(letter))],
  ];
  return wanted.flatMap(([what, holds]) => (holds ? [] : [`${what} of ${String(idOf(letter))}`]));
}

const placeOf = (topic: string, message: ReadMessage | undefined): string =>
  message === undefined ? '' : `${topic}/${String(message.partition)}@${message.offset}`;

const itemOf = ({ value }: ReadMessage): Item => JSON.parse(String(value)) as Item;
const answerOf = ({ value }: ReadMessage): Answer => JSON.parse(String(value)) as Answer;
const idOf = (message: ReadMessage): number => itemOf(message).id;

/** The last header of a name. In this process kafkajs is patched by our transport: headers are pairs. */
function textIn({ headers }: { readonly headers?: unknown }, name: string): string | undefined {
  const value = new Map((headers ?? []) as readonly (readonly [string, Buffer])[]).get(name);
  return value === undefined ? undefined : String(value);
}

export const finding = (what: string, measured: string | number, passes: string, pass: boolean): Finding => ({
  what,
  measured: String(measured),
  passes,
  pass,
});

const none = (what: string, wrong: readonly unknown[]): Finding =>
  finding(what, wrong.length === 0 ? '0' : `${String(wrong.length)}, first ${JSON.stringify(wrong[0])}`, '0', wrong.length === 0);
