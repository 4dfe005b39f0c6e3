import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemberRules, Turn, TurnEnd } from '../../../src/inference/route/member.state.ts';
import { type Fit, type Need, PoolState } from '../../../src/inference/route/pool.state.ts';

const health = { failures: 2, coolDownMs: 100, maxCoolDownMs: 400 };
const rules = (name: string, over: Partial<MemberRules> = {}): MemberRules => ({
  ...{ name, tier: 0, weight: 1, maxCalls: Infinity, inputPrice: 0, outputPrice: 0 },
  ...over,
});
const members = [rules('a', { maxCalls: 2 }), rules('b'), rules('c', { tier: 1 })];
const needWith = (fits: readonly Fit[], tokens = 10): Need => ({ tokens, inputTokens: tokens, outputTokens: 0, prefix: '', fits });
const nobody: ReadonlySet<number> = new Set();

/** The plainest thing that is right, of one member. */
interface Plain {
  isOpen: boolean;
  inARow: number;
  state: 'closed' | 'out';
  untilMs: number;
  openings: number;
  closedAtMs: number;
  term: number;
  toldAtMs: number;
  failures: number;
}

interface Model {
  nowMs: number;
  readonly plain: Plain[];
  running: { readonly turn: Turn; readonly tokens: number; done: number; readonly term: number; readonly isProbe: boolean }[];
}

type Step = fc.Command<Model, PoolState>;

const isFull = (model: Model, index: number): boolean =>
  model.running.filter(({ turn }) => turn.member === index).length >= (members[index]?.maxCalls ?? 0);

const mayBeAsked = (model: Model, index: number): boolean => {
  const one = model.plain[index] as Plain;
  if (!one.isOpen || isFull(model, index)) return false;
  if (one.state === 'closed') return true;
  const probing = model.running.some(({ turn, isProbe, term }) => turn.member === index && isProbe && term === one.term);
  return model.nowMs >= one.untilMs && !probing;
};

const passes = (ms: number): Step => ({
  check: () => true,
  run: (model) => {
    model.nowMs += ms;
  },
  toString: () => `passes(${String(ms)})`,
});

const opens = (index: number): Step => ({
  check: () => true,
  run: (model, real) => {
    (model.plain[index] as Plain).isOpen = true;
    const one = real.members[index];
    if (one) one.isOpen = true;
  },
  toString: () => `opens(${String(index)})`,
});

const takes = (fits: readonly Fit[], asked: ReadonlySet<number>, tokens: number): Step => ({
  check: () => true,
  run: (model, real) => {
    const need = needWith(fits, tokens);
    const able = [0, 1, 2].filter((i) => (fits[i] === 'yes' || fits[i] === 'perhaps') && !asked.has(i) && mayBeAsked(model, i));
    expect(real.canTake(need, asked, model.nowMs)).toBe(able.length > 0);
    const load = (i: number): number =>
      model.running.filter(({ turn }) => turn.member === i).reduce((sum, each) => sum + each.tokens - each.done, 0);
    const rank = (i: number): number => (fits[i] === 'yes' ? 0 : 100) + (members[i]?.tier ?? 0);
    const turn = real.take(need, asked, model.nowMs);
    expect(turn === undefined).toBe(able.length === 0);
    if (!turn) return;
    const best = Math.min(...able.map(rank));
    const group = able.filter((i) => rank(i) === best);
    expect(group).toContain(turn.member);
    for (const other of group) expect(load(turn.member)).toBeLessThanOrEqual(load(other));
    const one = model.plain[turn.member] as Plain;
    model.running.push({ turn, tokens, done: 0, term: one.term, isProbe: one.state === 'out' });
  },
  toString: () => `takes(${fits.join(' ')} but ${[...asked].join()}: ${String(tokens)})`,
});

const tells = (which: number, tokens: number): Step => ({
  check: ({ running }) => running.length > 0,
  run: (model, real) => {
    const one = model.running[which % model.running.length];
    if (!one) return;
    real.told(one.turn, tokens, model.nowMs);
    one.done = Math.min(one.tokens, one.done + tokens);
    (model.plain[one.turn.member] as Plain).toldAtMs = model.nowMs;
  },
  toString: () => `tells(${String(which)}: ${String(tokens)})`,
});

const close = (one: Plain, nowMs: number): void => {
  Object.assign(one, { state: 'closed', inARow: 0, closedAtMs: nowMs, term: one.term + 1 });
};

const goOut = (one: Plain, nowMs: number, retryAfterMs: number): void => {
  if (one.state === 'closed' && nowMs - one.closedAtMs >= 400) one.openings = 0;
  const untilMs = nowMs + Math.max(retryAfterMs, Math.min(400, 100 * 2 ** one.openings));
  Object.assign(one, { state: 'out', inARow: 0, untilMs, openings: one.openings + 1, term: one.term + 1 });
};

const ends = (which: number, end: TurnEnd): Step => ({
  check: ({ running }) => running.length > 0,
  run: (model, real) => {
    const [run] = model.running.splice(which % model.running.length, 1);
    if (!run) return;
    const { nowMs } = model;
    real.ended(run.turn, end, nowMs);
    real.ended(run.turn, { end: 'succeeded' }, nowMs); // once is enough
    const one = model.plain[run.turn.member] as Plain;
    const isSilent = end.end === 'left' && one.toldAtMs < run.turn.fromMs && nowMs - run.turn.fromMs >= 5_000;
    const failed = end.end === 'failed' ? end : isSilent ? { isFinal: false, retryAfterMs: 0 } : undefined;
    if (end.end === 'succeeded') one.toldAtMs = nowMs;
    if (failed) one.failures += 1;
    if (run.term !== one.term || (end.end === 'left' && !failed)) return;
    if (!failed) {
      if (run.isProbe) close(one, nowMs);
      one.inARow = 0;
      return;
    }
    one.inARow += 1;
    if (run.isProbe || failed.isFinal || one.inARow >= 2) goOut(one, nowMs, failed.retryAfterMs);
  },
  toString: () => `ends(${String(which)}: ${JSON.stringify(end)})`,
});

const agrees: Step = {
  check: () => true,
  run: (model, real) => {
    for (const [index, one] of real.members.entries()) {
      const mine = model.running.filter(({ turn }) => turn.member === index);
      expect(one.running).toBe(mine.length);
      expect(one.outstanding).toBe(mine.reduce((sum, { tokens, done }) => sum + tokens - done, 0));
      expect(one.failures).toBe(model.plain[index]?.failures);
      expect(one.mayBeAsked(model.nowMs)).toBe(mayBeAsked(model, index));
    }
  },
  toString: () => 'agrees',
};

describe('PoolState', () => {
  it('gives calls to the first group that can take them, and counts exactly, whatever happens', () => {
    const fit = fc.constantFrom<Fit>('yes', 'yes', 'yes', 'perhaps', 'no', 'too-long');
    const asked = fc.constantFrom<ReadonlySet<number>>(nobody, nobody, new Set([0]), new Set([0, 1]));
    const end = fc.constantFrom<TurnEnd>(
      { end: 'succeeded' },
      { end: 'left' },
      { end: 'failed', isFinal: false, random: 1, retryAfterMs: 0 },
      { end: 'failed', isFinal: false, random: 1, retryAfterMs: 0 },
      { end: 'failed', isFinal: true, random: 1, retryAfterMs: 250 },
    );
    const take = fc.tuple(fc.tuple(fit, fit, fit), asked, fc.integer({ min: 1, max: 100 })).map((args) => takes(...args));
    const finish = fc.tuple(fc.nat(20), end).map((args) => ends(...args));
    const commands = fc.commands(
      [
        ...[fc.constantFrom(0, 1, 50, 100, 400, 5_000).map(passes), fc.nat(2).map(opens), take, take, finish, finish],
        ...[fc.tuple(fc.nat(20), fc.nat(60)).map((args) => tells(...args)), fc.constant(agrees)],
      ],
      { size: '+1' },
    );
    fc.assert(
      fc.property(commands, (steps) => {
        const plain = members.map(
          (): Plain => ({
            ...{ isOpen: false, inARow: 0, state: 'closed', untilMs: 0, openings: 0 },
            ...{ closedAtMs: -Infinity, term: 0, toldAtMs: -Infinity, failures: 0 },
          }),
        );
        fc.modelRun(() => ({ model: { nowMs: 0, plain, running: [] }, real: new PoolState(members, health, 'least-tokens') }), steps);
      }),
      { numRuns: 400 },
    );
  });

  const open = (): PoolState => {
    const pool = new PoolState(members, health, 'least-tokens');
    for (const one of pool.members) one.isOpen = true;
    return pool;
  };
  const yes = needWith(['yes', 'yes', 'yes']);
  const fails = (pool: PoolState, asked: ReadonlySet<number>, nowMs: number): void => {
    const turn = pool.take(yes, asked, nowMs) as Turn;
    pool.ended(turn, { end: 'failed', isFinal: true, random: 1, retryAfterMs: 0 }, nowMs);
  };

  it.each<[string, (pool: PoolState) => void, Need, ReadonlySet<number>, object]>([
    ['none that is open can', () => undefined, needWith(['no', 'no', 'no']), nobody, { why: 'cannot', isWhole: true, tooLong: false }],
    ['none has room', () => undefined, needWith(['no', 'too-long', 'no']), nobody, { why: 'cannot', isWhole: true, tooLong: true }],
    [
      'one that might is not open',
      (pool) => {
        for (const one of pool.members) one.isOpen = one.rules.name === 'a';
      },
      needWith(['no', 'no', 'no']),
      nobody,
      { why: 'cannot', isWhole: false, tooLong: false },
    ],
    [
      'one that could has no place',
      (pool) => {
        pool.take(yes, new Set([1, 2]), 0);
        pool.take(yes, new Set([1, 2]), 0);
      },
      yes,
      new Set([1, 2]),
      { why: 'full', isWhole: true },
    ],
    ['all have been asked', () => undefined, yes, new Set([0, 1, 2]), { why: 'asked', isWhole: true }],
    [
      'all are out',
      (pool) => {
        fails(pool, new Set([1, 2]), 0);
        fails(pool, new Set([0, 2]), 50);
        fails(pool, new Set([0, 1]), 60);
      },
      yes,
      new Set([2]),
      { why: 'out', isWhole: true, untilMs: 100, needPerson: [] },
    ],
    [
      'the one that is left is out',
      (pool) => {
        fails(pool, new Set([0, 2]), 50);
      },
      yes,
      new Set([0, 2]),
      { why: 'out', isWhole: true, untilMs: 150, needPerson: [] },
    ],
  ])('says why nobody can be asked: %s', (_, before, need, asked, expected) => {
    const pool = open();
    before(pool);
    expect(pool.standstill(need, asked, 60)).toEqual(expected);
  });

  it('takes the longest of what runs for a latency, before it has ended', () => {
    const pool = open();
    const turn = pool.take(yes, new Set([1, 2]), 0) as Turn;
    expect(pool.members[0]?.latencyMs(7_000)).toBe(7_000);
    pool.ended(turn, { end: 'left' }, 100);
    expect(pool.members[0]?.latencyMs(7_000)).toBe(0);
  });
});
