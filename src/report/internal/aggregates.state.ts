import type { AggregateValue, AnswerAggregate, MonitoredItem, RunAggregates } from '../run-snapshot.state.ts';
import { CalendarSeries, isoTime, precisionOf } from './calendar-series.state.ts';
import { CountsByValue, FirstNames } from './value-counts.state.ts';

const most = { tasks: 8, fields: 8, answers: 20, fieldValues: 40, stretches: 120 };
const longestText = 80;

/** What is counted by the calendar has a unit of its own for each task: its items may be dated otherwise. */
const countsInTime = {
  make: (): CountsByValue => new CountsByValue(most.answers),
  merge: (into: CountsByValue, later: CountsByValue): void => into.merge(later),
};
const itemsInTime = {
  make: (): { count: number } => ({ count: 0 }),
  merge: (into: { count: number }, later: { readonly count: number }): void => {
    into.count += later.count;
  },
};

/** One task's answers. */
class Answers {
  readonly values = new CountsByValue(most.answers);
  readonly byField = new FirstNames(most.fields, () => new FirstNames(most.fieldValues, () => new CountsByValue(most.answers)));
  readonly byTime = new CalendarSeries(countsInTime, most.stretches);
}

/** How items and answers are spread, by value, field and time. Holds the first 8 tasks of 20 answers, the first 8 fields of 40 values, and 120 stretches of time of each. */
export class Aggregates {
  readonly #answers = new FirstNames(most.tasks, () => new Answers());
  readonly #fields = new FirstNames(most.fields, () => new CountsByValue(most.fieldValues));
  readonly #time = new CalendarSeries(itemsInTime, most.stretches);
  #dated = 0;
  #undated = 0;

  add({ answers = {}, fields = {}, time }: Pick<MonitoredItem, 'answers' | 'fields' | 'time'>): void {
    const [iso, precision] = [isoTime(time), precisionOf(time)];
    if (iso === undefined) this.#undated += 1;
    else {
      this.#dated += 1;
      this.#time.at(iso, precision).count += 1;
    }
    const given = Object.entries(fields).flatMap(([name, value]) => [...valuesOf(value)].map((one) => [cut(name), one] as const));
    for (const [name, value] of given) this.#fields.of(name)?.add(value);
    for (const [task, value] of Object.entries(answers)) {
      const all = this.#answers.of(cut(task));
      if (all === undefined) continue;
      for (const answer of valuesOf(value)) {
        all.values.add(answer);
        if (iso !== undefined) all.byTime.at(iso, precision).add(answer);
        for (const [name, one] of given) all.byField.of(name)?.of(one)?.add(answer);
      }
    }
  }

  list(): RunAggregates {
    return {
      answers: this.#answers.list().map(([task, all]) => aggregateOf(task, all)),
      fields: this.#fields.list().map(([field, values]) => ({ field, values: values.list() })),
      time: {
        unit: this.#time.unit,
        dated: this.#dated,
        undated: this.#undated,
        items: this.#time.list().map(([from, { count }]) => ({ from, count })),
      },
    };
  }
}

const aggregateOf = (task: string, { values, byField, byTime }: Answers): AnswerAggregate => ({
  task,
  values: values.list(),
  byField: byField.list().map(([field, rows]) => ({
    field,
    rows: rows.list().map(([value, counts]) => ({ value, counts: counts.list() })),
  })),
  timeUnit: byTime.unit,
  byTime: byTime.list().map(([from, counts]) => ({ from, counts: counts.list() })),
});

/** Each value once. */
function valuesOf(value: AggregateValue): ReadonlySet<string> {
  const all = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  return new Set(all.filter((one) => one !== undefined && one !== null && one !== '').map((one) => cut(String(one))));
}

const cut = (text: string): string => {
  const short = text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text;
  return short.toWellFormed();
};
