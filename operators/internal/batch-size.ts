import { requireMethods } from '../../src/check-options.ts';
import { requireInteger } from '../../src/errors.ts';
import type { AdaptiveSize } from '../../src/policies/adaptive.ts';

/** The records in flight by default; also what one array of members should hold. */
const mostSize = 10_000;

/** How many values a batch may hold now, and who follows its calls. */
export type BatchSizing = Pick<AdaptiveSize, 'limit' | 'max'> & Partial<Pick<AdaptiveSize, 'observe'>>;

/** @throws OptionError for what is no size. */
export function sizingOf(name: string, maxSize: number | AdaptiveSize): BatchSizing {
  if (typeof maxSize === 'object') {
    requireMethods(name, maxSize, ['observe'], `an integer or adaptive({ … })`);
    return maxSize;
  }
  requireInteger(name, maxSize, 1, mostSize);
  return { limit: maxSize, max: maxSize };
}
