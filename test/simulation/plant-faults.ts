import type { Event, EventOf } from '../../src/simulation/history.ts';
import type { ProblemKind } from '../../src/simulation/problem.ts';
import type { Random } from '../../src/simulation/random.ts';

export interface Planted {
  readonly history: readonly Event[];
  /** The record that the checker has to name; undefined where none is at fault. */
  readonly record: number | undefined;
}

/** Plants one fault into a clean history; undefined where this one has no place for it. */
type Plant = (history: readonly Event[], random: Random) => Planted | undefined;

const eventsOf = <K extends Event['kind']>(history: readonly Event[], kind: K): readonly EventOf<K>[] =>
  history.filter((event): event is EventOf<K> => event.kind === kind);
const pickOf = <T>(random: Random, items: readonly T[]): T | undefined => items[random.int(0, Math.max(0, items.length - 1))];
const insertAfter = (history: readonly Event[], event: Event, ...more: readonly Event[]): readonly Event[] =>
  history.toSpliced(history.indexOf(event) + 1, 0, ...more);
const instead = (history: readonly Event[], event: Event, other: Event): readonly Event[] => history.with(history.indexOf(event), other);
const countOf = (history: readonly Event[], matches: (event: Event) => boolean): number => history.filter(matches).length;
const inputOf = (history: readonly Event[], record: number | undefined): EventOf<'input'> | undefined =>
  eventsOf(history, 'input').find((input) => input.record === record);
const hasLetter = (history: readonly Event[], { log, offset }: EventOf<'input'>): boolean =>
  eventsOf(history, 'letter').some((letter) => letter.log === log && letter.offset === offset);
const hasWaited = (history: readonly Event[], record: number | undefined): boolean =>
  history.some((event) => (event.kind === 'copy' || event.kind === 'postponed') && event.record === record);

/** The owner of a partition at a point of the history. */
const ownerAt = (history: readonly Event[], log: string, index: number): EventOf<'assigned'> | undefined =>
  eventsOf(history.slice(0, index), 'assigned').findLast((event) => event.log === log);

export const plants = {
  lost: (history, random) => {
    const output = pickOf(
      random,
      eventsOf(history, 'output').filter(({ record }) => {
        const input = inputOf(history, record);
        return input && !input.expected.mustFail && !hasLetter(history, input);
      }),
    );
    if (!output) return undefined;
    const gone = (event: Event): boolean => event.kind === 'output' && event.record === output.record && event.part === output.part;
    return { history: history.filter((event) => !gone(event)), record: output.record };
  },

  duplicated: (history, random) => {
    const isExact = history[0]?.kind === 'promised' && history[0].delivery === 'exactly-once';
    const one = pickOf(random, [...eventsOf(history, 'output'), ...eventsOf(history, 'letter')]);
    if (!one) return undefined;
    const input =
      one.kind === 'output'
        ? inputOf(history, one.record)
        : eventsOf(history, 'input').find(({ log, offset }) => log === one.log && offset === one.offset);
    if (!input) return undefined;
    const part = one.kind === 'output' ? one.part : undefined;
    const { record, log, offset } = input;
    const isSame = (event: Event): boolean =>
      one.kind === 'output'
        ? event.kind === 'output' && event.record === record && event.part === part
        : event.kind === 'letter' && event.log === log && event.offset === offset;
    const done = countOf(history, (event) => event.kind === 'emitted' && event.record === record);
    const reached = countOf(history, (event) => event.kind === 'delivered' && event.log === log && event.offsets.includes(offset));
    const unanswered = countOf(history, (event) => event.kind === 'unanswered' && event.record === record && event.part === part);
    const most = isExact ? 1 : (done > 0 ? done : reached) + unanswered;
    const missing = most + 1 - countOf(history, isSame);
    return { history: insertAfter(history, one, ...Array.from({ length: missing }, () => one)), record };
  },

  wrong: (history, random) => {
    const one = pickOf(random, [...eventsOf(history, 'output'), ...eventsOf(history, 'letter')]);
    if (!one) return undefined;
    if (one.kind === 'output') return { history: instead(history, one, { ...one, part: `${one.part}.other` }), record: one.record };
    const input = eventsOf(history, 'input').find(({ log, offset }) => log === one.log && offset === one.offset);
    return { history: instead(history, one, { ...one, code: 'invalid_option' }), record: input?.record };
  },

  reordered: (history, random) => {
    const once = eventsOf(history, 'output').filter(
      ({ record }) =>
        inputOf(history, record)?.lane !== undefined &&
        !hasWaited(history, record) &&
        countOf(history, (event) => event.kind === 'emitted' && event.record === record) === 1,
    );
    const pairs = once.flatMap((second, at) => {
      const input = inputOf(history, second.record);
      const first = once
        .slice(0, at)
        .find(
          (other) => other.log === second.log && other.record !== second.record && inputOf(history, other.record)?.lane === input?.lane,
        );
      return first ? [{ first, second }] : [];
    });
    const pair = pickOf(random, pairs);
    if (!pair) return undefined;
    const { first, second } = pair;
    // all of the later record's come before all of the earlier's
    const late = eventsOf(history, 'output').filter((event) => event.record === first.record && event.log === first.log);
    const without = history.filter((event) => !(late as readonly Event[]).includes(event));
    return { history: insertAfter(without, second, ...late), record: first.record };
  },

  'seen-from-aborted': (history, random) => {
    const output = pickOf(
      random,
      eventsOf(history, 'output').filter(({ at }) => at !== undefined),
    );
    const acked = eventsOf(history, 'acked').find(({ at }) => at === output?.at);
    if (!output || !acked) return undefined;
    if (acked.transaction === undefined) {
      const transaction = 'planted';
      return {
        history: instead(history, acked, { ...acked, transaction }).concat({ kind: 'ended', transaction, outcome: 'aborted' }),
        record: output.record,
      };
    }
    const { transaction } = acked;
    const ends = history.map(
      (event): Event => (event.kind === 'ended' && event.transaction === transaction ? { ...event, outcome: 'aborted' } : event),
    );
    const forgotten = history.filter((event) => !(event.kind === 'ended' && event.transaction === transaction));
    return { history: random.chance(0.5) ? ends : forgotten, record: output.record };
  },

  'commit-past-unsettled': (history, random) => {
    const commit = pickOf(random, eventsOf(history, 'commit'));
    const passed = pickOf(
      random,
      eventsOf(history, 'input').filter(({ log, offset, expected }) => {
        const isIn = commit !== undefined && log === commit.log && (offset < commit.offset || commit.completed.includes(offset));
        return isIn && (expected.mustFail || expected.outputs.length > 0);
      }),
    );
    if (!passed) return undefined;
    const isSaid = (event: Event): boolean => (event.kind === 'acked' || event.kind === 'postponed') && event.record === passed.record;
    return { history: history.filter((event) => !isSaid(event)), record: passed.record };
  },

  'called-again-after-commit': (history, random) => {
    const commit = pickOf(random, eventsOf(history, 'commit'));
    const done =
      commit &&
      pickOf(
        random,
        eventsOf(history, 'input').filter(
          ({ log, offset }) => log === commit.log && (offset < commit.offset || commit.completed.includes(offset)),
        ),
      );
    const owner = commit && ownerAt(history, commit.log, history.indexOf(commit));
    if (!done || !owner) return undefined;
    const { record } = done;
    return { history: insertAfter(history, commit, { kind: 'emitted', app: owner.app, epoch: owner.epoch, record }), record };
  },

  'commit-went-back': (history, random) => {
    const commits = eventsOf(history, 'commit');
    const later = pickOf(
      random,
      commits.filter(({ offset }) => offset > 0),
    );
    if (!later) return undefined;
    return {
      history: insertAfter(history, later, { ...later, offset: random.int(0, later.offset - 1), completed: [] }),
      record: undefined,
    };
  },

  'done-twice': (history, random) => {
    const emitted = pickOf(random, eventsOf(history, 'emitted'));
    return emitted && { history: insertAfter(history, emitted, emitted), record: emitted.record };
  },

  'called-at-once': (history, random) => {
    const isOut = (app: number): boolean => eventsOf(history, 'fault').some((fault) => fault.app === app);
    const start = pickOf(
      random,
      eventsOf(history, 'call').filter(
        ({ step, together, app, record }) => step === 'start' && !together && !isOut(app) && !hasWaited(history, record),
      ),
    );
    if (!start) return undefined;
    const other = { ...start, app: random.chance(0.5) ? 99 : start.app };
    return { history: insertAfter(history, start, other, { ...other, step: 'end' }), record: start.record };
  },

  'over-its-cap': (history, random) => {
    const emitted = pickOf(
      random,
      eventsOf(history, 'emitted').filter(
        ({ record, from }) => from === undefined && (inputOf(history, record)?.expected.outputs.length ?? 0) > 0,
      ),
    );
    const caps = eventsOf(history, 'caps').find(({ app }) => app === emitted?.app);
    return caps && { history: instead(history, caps, { ...caps, records: 0 }), record: undefined };
  },

  'too-early': (history, random) => {
    const emitted = pickOf(
      random,
      eventsOf(history, 'emitted').filter(({ from }) => from !== undefined),
    );
    const copy = eventsOf(history, 'copy').find(({ at }) => at === emitted?.from);
    if (!emitted || !copy) return undefined;
    return { history: instead(history, emitted, { ...emitted, atMs: copy.dueMs - random.int(1, 500) }), record: emitted.record };
  },
  'left-behind': (history, random) => {
    const out = new Set(eventsOf(history, 'fault').flatMap(({ app }) => (app === undefined ? [] : [app])));
    const end = pickOf(
      random,
      eventsOf(history, 'call').filter(({ step, app }) => step === 'end' && !out.has(app)),
    );
    return end && { history: history.filter((event) => event !== end), record: end.record };
  },
} as const satisfies Partial<Record<ProblemKind, Plant>>;

/** The same history told of other records, places and apps: as clean as it was. */
export function retold(history: readonly Event[], random: Random): readonly Event[] {
  const [records, offsets, apps, gap] = [random.int(1, 5), random.int(0, 1_000), random.int(0, 9), random.int(1, 4)];
  const number = (record: number): number => 10_000 - record * records;
  const place = (offset: number): number => (offset === 0 ? 0 : offset * gap + offsets);
  return history.map((event): Event => {
    const told: Record<string, unknown> = { ...event };
    if ('record' in event && event.record !== undefined) told['record'] = number(event.record);
    if ('app' in event) told['app'] = (event.app ?? 0) + apps;
    if ('offset' in event) told['offset'] = place(event.offset);
    if (event.kind === 'commit') told['completed'] = event.completed.map(place);
    if (event.kind === 'delivered') told['offsets'] = event.offsets.map(place);
    return told as unknown as Event;
  });
}
