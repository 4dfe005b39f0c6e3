import { expect, it } from 'vitest';
import { type EndedBy, Suspects } from '../../../src/inference/internal/suspects.state.ts';

/** Crashes in turn, as `a+b`, `a!` for one from outside; `ok` between them for a call that went well. */
const verdicts = (...crashes: readonly string[]): readonly boolean[] => {
  const suspects = new Suspects();
  return crashes.map((crash) => {
    if (crash.startsWith('ok')) {
      suspects.cleared(crash.slice(3) || undefined);
      return false;
    }
    const by: EndedBy = crash.endsWith('!') ? 'outside' : 'itself';
    return suspects.crashed(crash.replace('!', '').split('+'), by, 0);
  });
};

it.each([
  { rule: 'the second crash alone names the killer', crashes: ['a', 'a'], killers: [false, true] },
  { rule: 'one in company adds nothing', crashes: ['a+b', 'b', 'a', 'b', 'a'], killers: [false, false, false, true, true] },
  { rule: 'company is no proof, however often', crashes: ['a+b', 'a+b', 'a+b'], killers: [false, false, false] },
  { rule: 'two of the same are company', crashes: ['a+a', 'a+a'], killers: [false, false] },
  { rule: 'ends from outside count half', crashes: ['a!', 'a!', 'a!', 'a!'], killers: [false, false, false, true] },
  { rule: 'two from outside and one of its own are enough', crashes: ['a!', 'a', 'a!'], killers: [false, false, true] },
  { rule: 'who went well begins anew', crashes: ['a', 'ok a', 'a', 'a'], killers: [false, false, false, true] },
  {
    rule: 'the fourth killer in a row is none: it is the machine',
    crashes: ['a', 'b', 'c', 'd', 'e', 'a', 'b', 'c', 'd', 'ok', 'e'],
    killers: [false, false, false, false, false, true, true, true, false, false, true],
  },
])('$rule', ({ crashes, killers }) => {
  expect(verdicts(...crashes)).toEqual(killers);
});

it('forgets who crashed ten minutes ago', () => {
  const suspects = new Suspects();
  suspects.crashed(['a', 'b'], 'itself', 0);
  expect([suspects.has('a', 599_999), suspects.has('b', 600_000), suspects.has('c', 0)]).toEqual([true, false, false]);
  expect(suspects.crashed(['b'], 'itself', 600_001)).toBe(false);
});

it('keeps the last 1,024', () => {
  const suspects = new Suspects();
  for (let at = 0; at < 2_000; at += 1) suspects.crashed([`k${String(at)}`, 'always'], 'itself', at);
  expect([suspects.has('k900', 2_000), suspects.has('k1000', 2_000), suspects.has('always', 2_000)]).toEqual([false, true, true]);
});
