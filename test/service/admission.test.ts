import { describe, expect, it } from 'vitest';
import { Admission } from '../../src/service/admission.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const caller = (name: string, more: { weight?: number; maxOpen?: number } = {}) => ({ name, weight: 1, maxOpen: Infinity, ...more });

/** A queue whose requests are known by their names, in the order in which they began. */
function queue(places: number, maxWaiting: number) {
  const clock = virtualClock(1_000_000);
  const admission = new Admission({ places, maxWaiting, clock });
  const began: string[] = [];
  const enter = (name: string, by = caller('c'), priority = 0, tokens = 10): (() => void) =>
    admission.enter({ caller: by, priority, tokens }, () => void began.push(name));
  return { clock, admission, began, enter };
}

describe('Admission', () => {
  it('lets in as many as there are places, and the next when one leaves', () => {
    const { admission, began, enter } = queue(2, 10);
    const [first] = [enter('a'), enter('b'), enter('c')];
    expect([began, admission.running, admission.waiting]).toEqual([['a', 'b'], 2, 1]);
    first();
    first();
    expect([began, admission.running, admission.waiting]).toEqual([['a', 'b', 'c'], 2, 0]);
  });

  it('refuses who comes when all that may wait, and says when to come again', async () => {
    const { clock, enter } = queue(1, 1);
    const leave = enter('a');
    await clock.advance(8_000);
    leave();
    enter('b');
    enter('c');
    expect(() => enter('d')).toThrow(expect.objectContaining({ code: 'overloaded', status: 429, retryAfterMs: 16_000 }));
  });

  it('takes who comes to a free place though nobody may wait', () => {
    const { began, enter } = queue(1, 0);
    const leave = enter('a');
    expect(() => enter('b')).toThrow(/try again later/);
    leave();
    enter('c');
    expect(began).toEqual(['a', 'c']);
  });

  it('forgets who leaves before the turn came', () => {
    const { admission, began, enter } = queue(1, 10);
    const first = enter('a');
    const [second] = [enter('b'), enter('c')];
    second();
    expect(admission.waiting).toBe(1);
    first();
    expect(began).toEqual(['a', 'c']);
  });

  it('lets the urgent go first, for a minute at most', async () => {
    const { clock, began, enter } = queue(1, 10);
    const leave = enter('first');
    enter('late', caller('c'), -3);
    await clock.advance(1);
    enter('usual');
    enter('urgent', caller('c'), 5);
    await clock.advance(61_000);
    const more = enter('urgent, but a minute later', caller('c'), 1_000);
    leave();
    more();
    expect(began).toEqual(['first', 'urgent']);
  });

  it('lets the least urgent be passed for a minute, and no longer', async () => {
    const { clock, began, enter } = queue(1, 10);
    const leave = enter('first');
    enter('late', caller('c'), -1_000);
    await clock.advance(60_001);
    enter('usual');
    leave();
    expect(began).toEqual(['first', 'late']);
  });

  it('counts nothing against a minute that it refuses since all that may wait', () => {
    const { enter } = queue(1, 0);
    const few = { ...caller('few'), requestsPerMinute: 2 };
    const leave = enter('a', few);
    expect(() => enter('b', few)).toThrow(/try again later/);
    leave();
    expect(() => enter('c', few)).not.toThrow();
  });

  it('shares by weight among callers, whatever one of them sends', () => {
    const { began, enter } = queue(1, 1_000);
    const leaving: (() => void)[] = [];
    const put = (name: string, weight: number): void => {
      leaving.push(enter(name, caller(name, { weight })));
    };
    for (let i = 0; i < 100; i += 1) put('many', 1);
    for (let i = 0; i < 20; i += 1) put('few', 1);
    for (let i = 0; i < 40; i += 1) put('heavy', 2);
    const running: (() => void)[] = [...leaving];
    for (let i = 0; i < 60; i += 1) {
      // who runs is the last that began: its leave is that of the nth of its name
      const name = began.at(-1) ?? '';
      const nth = began.filter((one) => one === name).length - 1;
      const at = { many: 0, few: 100, heavy: 120 }[name] ?? 0;
      running[at + nth]?.();
    }
    const count = (name: string): number => began.slice(0, 60).filter((one) => one === name).length;
    expect(Math.abs(count('few') - 15)).toBeLessThanOrEqual(2);
    expect(Math.abs(count('many') - 15)).toBeLessThanOrEqual(2);
    expect(Math.abs(count('heavy') - 30)).toBeLessThanOrEqual(3);
  });

  it('lets one caller have no more open than it may', () => {
    const { enter } = queue(4, 10);
    const small = caller('small', { maxOpen: 2 });
    const [leave] = [enter('a', small), enter('b', small)];
    expect(() => enter('c', small)).toThrow(/small may have 2 requests open at a time/);
    enter('d', caller('other'));
    leave();
    expect(() => enter('e', small)).not.toThrow();
  });
});
