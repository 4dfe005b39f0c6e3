import { describe, expect, it } from 'vitest';
import { callersOf, parseKeys } from '../../src/service/callers.ts';

const [a, b] = ['a-key-of-16-letters', 'b-key-of-16-letters'];

describe('callersOf', () => {
  it.each([
    ['Bearer a-key-of-16-letters', 'a'],
    ['bearer  b-key-of-16-letters ', 'b'],
    ['Bearer a-key-of-16-letter', undefined],
    ['Bearer a-key-of-16-letters2', undefined],
    ['Basic a-key-of-16-letters', undefined],
    ['Bearer', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('knows %s as %s', (authorization, name) => {
    const callerOf = callersOf([
      { name: 'a', key: a, weight: 3, maxOpen: 7 },
      { name: 'b', key: b },
    ]);
    expect(callerOf(authorization)?.name).toBe(name);
    if (name === 'a') expect(callerOf(authorization)).toEqual({ name: 'a', weight: 3, maxOpen: 7 });
  });

  it('knows everybody where there are no keys', () => {
    expect(callersOf([])(undefined)).toMatchObject({ name: 'anyone' });
  });

  it.each([
    ['a key that is short', [{ name: 'a', key: 'short' }], /keys\[0\]\.key must be 16 to 512/],
    ['a name with blanks', [{ name: 'a b', key: a }], /name must be 1 to 64/],
    [
      'one name twice',
      [
        { name: 'a', key: a },
        { name: 'a', key: b },
      ],
      /a name of their own/,
    ],
    [
      'one key twice',
      [
        { name: 'a', key: a },
        { name: 'b', key: a },
      ],
      /a key of their own/,
    ],
    ['a weight of 0', [{ name: 'a', key: a, weight: 0 }], /weight/],
    ['no requests at all', [{ name: 'a', key: a, requestsPerMinute: 0 }], /requestsPerMinute must be an integer >= 1/],
    ['half a token', [{ name: 'a', key: a, tokensPerMinute: 0.5 }], /tokensPerMinute must be an integer/],
    ['an option that is none', [{ name: 'a', key: a, limit: 5 }], /has no option limit/],
  ])('refuses %s, and shows no key', (_name, keys, says) => {
    const make = (): unknown => callersOf(keys);
    expect(make).toThrow(says);
    expect(make).not.toThrow(/a-key|short/);
  });
});

describe('parseKeys', () => {
  it('reads a line each', () => {
    expect(
      parseKeys(
        `# who may\n\nteam-a ${a}\n  team-b ${b} weight=2.5 max-open=10 requests-per-minute=60 tokens-per-minute=9000 # the other\r\n`,
      ),
    ).toEqual([
      { name: 'team-a', key: a },
      { name: 'team-b', key: b, weight: 2.5, maxOpen: 10, requestsPerMinute: 60, tokensPerMinute: 9000 },
    ]);
  });

  it.each([
    ['', /at least one line/],
    ['# nothing', /at least one line/],
    ['alone', /line 1 of the keys must be NAME KEY/],
    [`\na ${a} speed=1`, /line 2 of the keys: behind the key may stand/],
  ])('refuses %j', (text, says) => {
    expect(() => parseKeys(text)).toThrow(says);
    expect(() => parseKeys(text)).not.toThrow(/a-key/);
  });
});
