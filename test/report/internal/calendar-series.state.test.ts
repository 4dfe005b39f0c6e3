import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CalendarSeries, isoTime, precisionOf } from '../../../src/report/internal/calendar-series.state.ts';

const counting = {
  make: (): { count: number } => ({ count: 0 }),
  merge: (into: { count: number }, later: { readonly count: number }): void => {
    into.count += later.count;
  },
};

describe('isoTime', () => {
  it.each([
    ['1923', '1923-01-01T00:00:00.000Z'],
    [' 1923-08 ', '1923-08-01T00:00:00.000Z'],
    ['2026-11-22T09:40', '2026-11-22T09:40:00.000Z'],
    ['2026-11-22 09:40:01.5', '2026-11-22T09:40:01.500Z'],
    ['2026-11-22T09:40:00+02:00', '2026-11-22T07:40:00.000Z'],
    [0, '1970-01-01T00:00:00.000Z'],
    [new Date(1_000), '1970-01-01T00:00:01.000Z'],
    ['12', undefined],
    ['yesterday', undefined],
    ['2026-13-01', undefined],
    ['1923; drop', undefined],
    [1e300, undefined],
    [Number.NaN, undefined],
    [new Date(Number.NaN), undefined],
    [8.64e15, undefined],
    [{}, undefined],
    [undefined, undefined],
  ])('%j is %s', (time, iso) => {
    expect(isoTime(time)).toBe(iso);
  });
});

describe('CalendarSeries', () => {
  const between = (first: string, last: string): CalendarSeries<{ count: number }> => {
    const series = new CalendarSeries(counting);
    for (const time of [first, last]) series.at(isoTime(time) ?? '', precisionOf(time)).count += 1;
    return series;
  };

  it.each([
    ['2026-11-22T09:40:10Z', '2026-11-22T09:40:12Z', 'second', ['2026-11-22T09:40:10', '2026-11-22T09:40:11', '2026-11-22T09:40:12']],
    ['2026-01-31', '2026-04-01', 'day', undefined],
    ['2026-01-31', '2028-04-01', 'month', undefined],
    ['1850', '1851', 'year', ['1850', '1851']],
    ['1850', '1850-03-01', 'year', ['1850']],
    ['2026-01', '2026-03', 'month', ['2026-01', '2026-02', '2026-03']],
    ['1950', '2021', 'year', undefined],
    ['1790', '2021', 'decade', undefined],
    ['0001', '9999', 'century', undefined],
  ])('from %s to %s is told by the %s, without gaps', (first, last, unit, names) => {
    const series = between(first, last);
    const list = series.list();
    expect(series.unit).toBe(unit);
    if (names) expect(list.map(([from]) => from)).toEqual(names);
    expect(new Set(list.map(([from]) => from)).size).toBe(list.length);
    expect(list.length).toBeLessThanOrEqual(121);
    expect(list.reduce((sum, [, { count }]) => sum + count, 0)).toBe(2);
    expect(list.length).toBeGreaterThan(first.length < last.length ? 0 : 1);
  });

  it('counts everything once, in whatever order it comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), { maxLength: 60 }),
        (dates) => {
          const series = new CalendarSeries(counting, 50);
          for (const date of dates) series.at(isoTime(date) ?? '').count += 1;
          const list = series.list();
          expect(list.reduce((sum, [, { count }]) => sum + count, 0)).toBe(dates.length);
          expect(list.map(([from]) => from)).toEqual(list.map(([from]) => from).toSorted());
          expect(list.length).toBeLessThanOrEqual(series.unit === 'century' ? 101 : 51);
        },
      ),
    );
  });
});
