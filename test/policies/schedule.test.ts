import { describe, expect, it } from 'vitest';
import { schedule, type ScheduleOptions } from '../../src/policies/schedule.ts';
import { contextHeaders, type RecordContext } from '../../src/record/record-context.ts';
import { testRun } from '../../src/testing.ts';

const run = testRun();
const record = (context: RecordContext = {}) => run.envelope(7, { topic: 'orders', timeMs: 1_000, headers: contextHeaders(context) });
const facts = (options: ScheduleOptions<number>, of = record(), takenMs = 100) =>
  schedule(options).factsOf(of.value, of, { takenMs, number: 1 });

describe('schedule', () => {
  it.each<{ rule: string; options: ScheduleOptions<number>; is: number }>([
    { rule: 'fifo: nobody passes', options: {}, is: 100 },
    { rule: 'shortest: by its tokens', options: { order: 'shortest', tokensOf: () => 30 }, is: 400 },
    { rule: 'shortest: up to its patience', options: { order: 'shortest', tokensOf: () => 1e9 }, is: 60_100 },
    { rule: 'shortest: at the given rate', options: { order: 'shortest', tokensOf: (v) => v, msPerToken: 2 }, is: 114 },
    { rule: 'priority: an ordinary one', options: { order: 'priority' }, is: 30_100 },
    { rule: 'priority: more urgent', options: { order: 'priority', priorityOf: () => 2 }, is: 10_100 },
    { rule: 'priority: less urgent', options: { order: 'priority', priorityOf: () => -1, msPerPriority: 500 }, is: 30_600 },
    { rule: 'priority: the most urgent', options: { order: 'priority', priorityOf: () => Infinity }, is: 100 },
    { rule: 'priority: the least', options: { order: 'priority', priorityOf: () => -1_000 }, is: 60_100 },
    { rule: 'deadline: its own', options: { order: 'deadline' }, is: 1_000 },
    { rule: 'deadline: as given', options: { order: 'deadline', deadlineOf: (v) => v * 50 }, is: 350 },
    { rule: 'deadline: one that is past', options: { order: 'deadline', deadlineOf: () => 3 }, is: 100 },
    { rule: 'deadline: none', options: { order: 'deadline', deadlineOf: () => Infinity, patienceMs: 500 }, is: 600 },
  ])('$rule', ({ options, is }) => {
    expect(facts(options).passableUntilMs).toBe(is);
  });

  it('takes priority and tenant from the context, else 0 and the topic, and gives the tenant its weight', () => {
    const options = { order: 'priority', tenants: { weights: { big: 3 } } } as const;
    expect(facts(options, record({ tenant: 'big', priority: 8 }))).toMatchObject({ tenant: 'big', weight: 3, priority: 8 });
    expect(facts(options)).toMatchObject({ tenant: 'orders', weight: 1, priority: 0 });
    expect(facts({})).toMatchObject({ tenant: '', weight: 1, tokens: 1, rank: 0, priority: 0, prefixes: [] });
  });

  it('ranks classes, and looks at beginnings of prompts that double in length', () => {
    const of = ['interactive', 'standard', 'batch'] as const;
    expect(of.map((name) => facts({ classes: { of: () => name } }).rank)).toEqual([0, 1, 2]);
    const { prefixes } = facts({ prefix: { of: () => 'x'.repeat(300) } });
    expect(prefixes.map(({ length }) => length)).toEqual([64, 128, 256]);
    expect(facts({ prefix: { of: () => 'y'.repeat(1e6) } }).prefixes.at(-1)).toHaveLength(16_384);
  });

  it.each<[ScheduleOptions<number>, string]>([
    [{ tokensOf: () => NaN }, 'tokensOf must return a number >= 0, got NaN'],
    [{ tokensOf: () => -1 }, 'tokensOf must return a number >= 0, got -1'],
    [{ order: 'priority', priorityOf: () => 'x' as never }, 'priorityOf must return a number, got x'],
    [{ order: 'deadline', deadlineOf: () => NaN }, 'deadlineOf must return a number, got NaN'],
    [{ classes: { of: () => 'urgent' as never } }, 'classes.of must return one of interactive, standard, batch, got "urgent"'],
  ])('says what a function of %o should have returned', (options, message) => {
    expect(() => facts(options)).toThrow(message);
  });

  it.each<[ScheduleOptions<number>, string]>([
    [{ order: 'random' as never }, 'schedule.order must be one of fifo, shortest, priority, deadline, got "random"'],
    [{ order: 'shortest' }, "schedule needs tokensOf for order 'shortest'"],
    [{ preempt: true }, "schedule.preempt needs order 'priority', got 'fifo'"],
    [{ patienceMs: -1 }, 'schedule.patienceMs must be a number >= 0, got -1'],
    [{ msPerToken: 3 }, "schedule.msPerToken needs order 'shortest', got 'fifo'"],
    [{ order: 'shortest', tokensOf: () => 1, msPerPriority: 3 }, "schedule.msPerPriority needs order 'priority', got 'shortest'"],
    [{ msPerToken: 0 }, 'schedule.msPerToken must be above 0, got 0'],
    [{ tokensOf: 3 as never }, 'schedule.tokensOf must be a function (value, record) => number, got number'],
    [{ tenants: { weights: { a: 0 } } }, 'schedule.tenants.weights.a must be above 0'],
    [{ classes: { of: () => 'batch', mostPassed: 0 } }, 'schedule.classes.mostPassed must be an integer >= 1, got 0'],
    [{ classes: { of: () => 'batch', heldBack: { batch: 1 } as never } }, 'schedule.classes.heldBack has no option batch'],
    [{ prefix: { of: () => '', slack: 1 } as never }, 'schedule.prefix has no option slack; did you mean slackMs?'],
    [{ fair: true } as never, 'schedule has no option fair'],
  ])('refuses %o', (options, message) => {
    expect(() => schedule(options)).toThrow(message);
  });

  it('leaves a place to all', () => {
    const held = schedule({ classes: { of: () => 'batch', heldBack: { interactive: 2, standard: 2 } } });
    expect(() => held.requirePlaces(4)).toThrow('schedule.classes.heldBack must leave a place of concurrency (4) to all, got 4');
    expect(() => held.requirePlaces(5)).not.toThrow();
  });

  it('describes all its uses together, and forgets one that has ended', async () => {
    const one = schedule();
    const [a, b] = [one.use<number>(1), one.use<number>(2)];
    const job = one.factsOf(7, record(), { takenMs: 0, number: 1 });
    a.state.add(1, job);
    a.state.add(2, job);
    a.state.next();
    b.preempted();
    const numbers = { preempted_calls: 1, waiting_tenants: 1 };
    expect(one.describe(0)).toEqual({ name: 'schedule', kind: 'schedule', used: 1, limit: 3, waiting: 1, numbers });
    a.end();
    expect(one.describe(0)).toMatchObject({ used: 0, limit: 2, waiting: 0 });
    const { value, close } = await one.open({} as never);
    expect(value).toBe(one);
    await close();
  });
});
