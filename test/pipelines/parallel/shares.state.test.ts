import { describe, expect, it } from 'vitest';
import { newTurn, type Turn } from '../../../pipelines/parallel/intake.state.ts';
import { type ShareOptions, Shares } from '../../../pipelines/parallel/shares.state.ts';

interface Named extends Turn {
  readonly share: string;
  readonly memory: number;
}

/** Turns that always have something to give. */
function scene(
  whole: number,
  given: Readonly<Record<string, ShareOptions>>,
  ...turns: readonly (readonly [share: string, memory?: number])[]
) {
  const shares = new Shares<Named>(whole, given);
  const all = turns.map(([share, memory = 1]): Named => ({ ...newTurn(0), share, memory }));
  for (const one of all) shares.enter(one.share, one);
  const take = (count: number): string =>
    Array.from({ length: count }, () => {
      for (let turn = shares.next(); turn; turn = shares.next()) {
        if (!shares.fits(turn.share, turn.memory)) continue;
        shares.took(turn.share, turn, { length: 1, memory: turn.memory });
        return turn.share;
      }
      return '-';
    }).join('');
  return { shares, all, take };
}

describe('shares', () => {
  it('take turns by weight, which can be changed', () => {
    const { shares, take } = scene(Infinity, { a: { weight: 3 } }, ['a'], ['b']);
    expect(take(8).replaceAll('b', '')).toHaveLength(6);
    shares.set('a', { weight: 1 });
    take(4);
    expect(take(8).replaceAll('b', '')).toHaveLength(4);
    expect([shares.weightOf('a'), shares.weightOf('never seen')]).toEqual([1, 1]);
  });

  it('go by length', () => {
    const shares = new Shares<Named>(Infinity);
    const [long, short] = ['long', 'short'].map((share): Named => ({ ...newTurn(0), share, memory: 0 })) as [Named, Named];
    for (const one of [long, short]) shares.enter(one.share, one);
    let longs = 0;
    for (let n = 0; n < 100; n += 1) {
      const turn = shares.next() as Named;
      if (turn === long) longs += 1;
      shares.took(turn.share, turn, { length: turn === long ? 9 : 1, memory: 0 });
    }
    expect(longs).toBe(10);
  });

  it('one that holds its part of the memory waits, the others go on, until some of it is free', () => {
    const { shares, take } = scene(8, { a: { memory: 0.25 } }, ['a'], ['b']);
    expect(take(6)).toBe('ababbb');
    shares.ended('b', 1);
    expect(take(1)).toBe('b');
    shares.ended('a', 1);
    expect(take(2)).toBe('ab');
    shares.ended('b', 1);
    shares.ended('b', 1);
    shares.set('a', { memory: 1 });
    expect(take(2)).toBe('aa'); // it had less
    expect(shares.stats()).toMatchObject({ a: { weight: 1, inFlight: 4, memory: 4 } });
  });

  it('one that waits for memory is not next, whoever of it comes', () => {
    const { shares, take } = scene(4, { a: { memory: 0.25 } }, ['a']);
    expect(take(2)).toBe('a-');
    shares.enter('a', { ...newTurn(0), share: 'a', memory: 1 });
    expect(shares.next()).toBeUndefined();
  });

  it('where the whole is held all wait: a large task is not passed by small ones', () => {
    const { shares, take } = scene(4, {}, ['a'], ['b', 4]);
    expect(take(3)).toBe('a--');
    shares.ended('a', 1);
    expect(take(3)).toBe('b--');
    shares.ended('b', 4);
    expect(take(3)).toBe('a--');
  });

  it('a task larger than all there is has all of it', () => {
    const { shares, take } = scene(4, { a: { memory: 0.5 } }, ['a', 9]);
    expect(take(2)).toBe('a-');
    shares.ended('a', 9);
    expect(take(2)).toBe('a-');
  });

  it('holds nothing of one that has no tasks and was never asked for', () => {
    const { shares, all, take } = scene(Infinity, { kept: {} }, ['a'], ['b']);
    take(2);
    for (const one of all) shares.leave(one.share, one);
    expect(Object.keys(shares.stats())).toEqual(['kept', 'a', 'b']);
    shares.ended('a', 1);
    shares.ended('b', 1);
    expect(Object.keys(shares.stats())).toEqual(['kept']);
    shares.ended('gone', 1);
    shares.leave('gone', newTurn(0) as Named);
    expect(take(1)).toBe('-');
  });
});
