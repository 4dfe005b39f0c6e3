import { describe, expect, it } from 'vitest';
import { expandPattern } from './patterns.ts';

const cases: readonly (readonly [string, readonly string[]])[] = [
  ['^src/', ['^src/']],
  ['^src/|^test/', ['^src/', '^test/']],
  ['^src/(flow|serve)/', ['^src/flow/', '^src/serve/']],
  ['^src/(record/|(errors|clock)\\.ts$)', ['^src/record/', '^src/errors\\.ts$', '^src/clock\\.ts$']],
  ['^src/(?!cli/)', ['^src/(?!cli/)']],
  ['^src/(a|b)/(?!internal/)[^/]+/', ['^src/a/(?!internal/)[^/]+/', '^src/b/(?!internal/)[^/]+/']],
  ['^src/$1/$2/', ['^src/[^/]+/[^/]+/']],
];

describe('expandPattern', () => {
  it.each(cases)('%s', (pattern, parts) => {
    expect([...new Set(expandPattern(pattern))].sort()).toEqual([...parts].sort());
  });
});
