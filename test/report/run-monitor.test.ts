import { describe, expect, it } from 'vitest';
import { TimeoutError, runMonitor } from '../../src/index.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

describe('runMonitor', () => {
  it('counts what items came to', async () => {
    const clock = virtualClock();
    const monitor = runMonitor({ clock, total: 10 });
    monitor.expect(10, 4);
    await clock.advance(2_000);
    monitor.item({ processingMs: 100, tokens: { input: 10, output: 2, cached: 3 }, calls: 2, reused: 1 });
    monitor.item({ processingMs: 300, id: 'x', error: new Error('password=hunter2 was refused') });
    monitor.item({ processingMs: 200, tokens: { input: 20, output: 4 } });
    const snapshot = monitor.snapshot();
    expect(snapshot).toMatchObject({
      ...{ elapsedMs: 2_000, total: 10, doneBefore: 4, done: 2, failed: 1, calls: 2, reused: 1 },
      tokens: { input: 30, output: 6, cached: 3, perItem: { count: 2, last: 24, mean: 18 } },
      processingMs: { count: 3, last: 200, mean: 200, max: 300 },
      rate: 1.5,
      etaMs: 2_000,
      failures: [{ id: 'x', code: 'project_threw', message: 'password=[redacted] was refused' }],
      errors: [{ value: 'project_threw', count: 1 }],
    });
    expect(monitor.progress()).toMatchObject({ done: 2, failed: 1, etaMs: 2_000 });
  });

  it('holds a bounded amount, however hostile the items', async () => {
    const clock = virtualClock();
    const monitor = runMonitor({ clock });
    for (let at = 0; at < 2_000; at += 1) {
      if (at % 100 === 0) await clock.advance(60_000);
      const name = `${String(at)} ${'x'.repeat(500)}`;
      monitor.item({
        ...{ processingMs: at, error: at % 2 === 0 ? name : undefined, id: name },
        ...{ answers: { [name]: [name, `${name}b`], same: name }, fields: { [name]: name, same: name } },
        time: at * 86_400_000 * 40,
      });
    }
    const { aggregates, errors, failures, series } = monitor.snapshot();
    expect(series.buckets.length).toBeLessThanOrEqual(240);
    expect(series.buckets.reduce((sum, { done, failed }) => sum + done + failed, 0)).toBe(2_000);
    expect(errors).toHaveLength(101);
    expect(failures).toHaveLength(20);
    expect(aggregates.answers).toHaveLength(8);
    expect(aggregates.fields).toHaveLength(8);
    expect(aggregates.time.items.length).toBeLessThanOrEqual(241);
    for (const { values, byField, byTime } of aggregates.answers) {
      expect(values.length).toBeLessThanOrEqual(21);
      expect(byField.length).toBeLessThanOrEqual(8);
      expect(byTime.length).toBeLessThanOrEqual(241);
      for (const { rows } of byField) expect(rows.length).toBeLessThanOrEqual(40);
    }
    expect(JSON.stringify(errors).length).toBeLessThan(101 * 260);
  });

  it('counts an error of ours by its code', () => {
    const monitor = runMonitor({ clock: virtualClock() });
    monitor.item({ processingMs: 5, error: new TimeoutError('expected an answer within 5 ms') });
    expect(monitor.snapshot().errors).toEqual([{ value: 'call_timeout', count: 1 }]);
  });

  it('says at once what it cannot count', () => {
    expect(() => runMonitor({ clock: virtualClock(), total: -1 })).toThrow('runMonitor.total must be an integer >= 0, got -1');
    expect(() => runMonitor({} as never)).toThrow('runMonitor.clock must be a clock');
  });
});
