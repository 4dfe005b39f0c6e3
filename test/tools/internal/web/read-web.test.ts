import { expect, it } from 'vitest';
import { redirectOf } from '../../../../src/tools/internal/web/read-web.ts';

it.each([
  ['https://example.org/a', 'http://example.org/b', 'sends its readers from https to http'],
  ['https://example.org/a', 'https://example.org/b', 'https://example.org/b'],
  ['http://example.org/a', 'https://example.org/a', 'https://example.org/a'],
  ['https://example.org/a', '//www.example.org/b?c#d', 'https://www.example.org/b?c'],
])('a redirect from %s to %s: %s', (from, location, expected) => {
  const next = (): unknown => {
    const answer = { status: 302, headers: { location }, body: Buffer.alloc(0) };
    return redirectOf(new URL(from), answer, { allow: ['*.example.org'], ports: [80, 443] })?.href;
  };
  if (expected.startsWith('https:')) expect(next()).toBe(expected);
  else expect(next).toThrow(expected);
});
