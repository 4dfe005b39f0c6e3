import type { TimeUnit } from '../run-snapshot.state.ts';

/** From fine to coarse; each begins where one of the finer ones does. */
const units: readonly TimeUnit[] = ['second', 'minute', 'hour', 'day', 'month', 'year', 'decade', 'century'];
/** Characters of an ISO 8601 time that name the unit. */
const nameLength: Partial<Record<TimeUnit, number>> = { second: 19, minute: 16, hour: 13, day: 10, month: 7, year: 4 };
const yearsOf: Partial<Record<TimeUnit, number>> = { decade: 10, century: 100 };

const dayMs = 86_400_000;
/** About how long a unit is. */
const lengthMs: Readonly<Record<TimeUnit, number>> = {
  ...{ second: 1_000, minute: 60_000, hour: 3_600_000, day: dayMs, month: 30.4 * dayMs },
  ...{ year: 365.2 * dayMs, decade: 3_652 * dayMs, century: 36_524 * dayMs },
};

/** How the unit is called that holds a time of the years 0 to 9999: `1923-08`, `1920s`. */
function unitName(unit: TimeUnit, iso: string): string {
  const years = yearsOf[unit];
  if (years === undefined) return iso.slice(0, nameLength[unit]);
  const year = Number(iso.slice(0, 4));
  return `${String(year - (year % years)).padStart(4, '0')}s`;
}

/** Milliseconds since 1970, a Date, or text of ISO 8601, as text; undefined for anything else, and for years beyond four digits. */
export function isoTime(time: unknown): string | undefined {
  if (typeof time === 'string' && !/^\d{4}(-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?$/.test(time.trim()))
    return undefined;
  const isUtc = typeof time === 'string' && /\d[T ]\d\d:\d\d[\d:.]*$/.test(time.trim());
  const date =
    time instanceof Date
      ? time
      : typeof time === 'string'
        ? new Date(`${time.trim()}${isUtc ? 'Z' : ''}`)
        : typeof time === 'number'
          ? new Date(time)
          : undefined;
  if (date === undefined || Number.isNaN(date.getTime())) return undefined;
  const iso = date.toISOString();
  return /^\d{4}-/.test(iso) ? iso : undefined;
}

/** The finest unit that a time tells: a year is no January. */
export function precisionOf(time: unknown): TimeUnit {
  const length = typeof time === 'string' ? time.trim().length : Number.POSITIVE_INFINITY;
  return length <= 4 ? 'year' : length <= 7 ? 'month' : length <= 10 ? 'day' : 'second';
}

/** The next stretch's time. */
function nextTime(unit: TimeUnit, iso: string): string {
  const date = new Date(iso);
  const years = unit === 'year' ? 1 : yearsOf[unit];
  if (years !== undefined) date.setUTCFullYear(date.getUTCFullYear() + years, 0, 1);
  else if (unit === 'month') date.setUTCMonth(date.getUTCMonth() + 1, 1);
  else date.setTime(date.getTime() + lengthMs[unit]);
  return date.toISOString();
}

/**
 * What happened when, by the calendar, in the finest unit of which at most about `most` lie between the first and the last: it grows coarser, never finer. Holds so many values.
 */
export class CalendarSeries<V> {
  readonly #make: () => V;
  readonly #merge: (into: V, later: V) => void;
  readonly #most: number;
  #unit = 0;
  #first: string | undefined;
  #last: string | undefined;
  #stretches = new Map<string, { readonly iso: string; readonly value: V }>();

  constructor(kind: { readonly make: () => V; readonly merge: (into: V, later: V) => void }, most = 120) {
    this.#make = kind.make;
    this.#merge = kind.merge;
    this.#most = most;
  }

  get unit(): TimeUnit {
    return units[this.#unit] ?? 'century';
  }

  /** The value that counts what was at a time, as {@link isoTime} gives it, and no finer than `precision`. */
  at(iso: string, precision: TimeUnit = 'second'): V {
    while (this.#unit < units.indexOf(precision)) this.#coarser();
    const [first, last] = [this.#first ?? iso, this.#last ?? iso];
    this.#first = iso < first ? iso : first;
    this.#last = iso > last ? iso : last;
    const spanMs = Date.parse(this.#last) - Date.parse(this.#first);
    while (spanMs / lengthMs[this.unit] > this.#most - 2 && this.#unit < units.length - 1) this.#coarser();
    const name = unitName(this.unit, iso);
    const known = this.#stretches.get(name);
    if (known !== undefined) return known.value;
    const value = this.#make();
    this.#stretches.set(name, { iso, value });
    return value;
  }

  /** From the first to the last, also those in which nothing was. */
  list(): readonly (readonly [from: string, value: V])[] {
    const all: (readonly [string, V])[] = [];
    if (this.#first === undefined || this.#last === undefined) return all;
    const lastName = unitName(this.unit, this.#last);
    for (let iso = this.#first; ; iso = nextTime(this.unit, iso)) {
      const name = unitName(this.unit, iso);
      if (name > lastName || !/^\d{4}-/.test(iso)) return all;
      all.push([name, this.#stretches.get(name)?.value ?? this.#make()]);
    }
  }

  #coarser(): void {
    this.#unit += 1;
    const finer = this.#stretches;
    this.#stretches = new Map();
    for (const { iso, value } of finer.values()) {
      const name = unitName(this.unit, iso);
      const into = this.#stretches.get(name);
      if (into === undefined) this.#stretches.set(name, { iso, value });
      else this.#merge(into.value, value);
    }
  }
}
