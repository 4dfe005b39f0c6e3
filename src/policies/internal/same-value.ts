import { isDeepStrictEqual } from 'node:util';

/**
 * Whether a value that went through a codec is what it was before. A member that is undefined is the same as an absent one, as nobody
 * tells them apart; a date that has become text, or an instance that has lost its class, is not the same.
 */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => sameValue(one, b[i]));
  if (!isPlain(a) || !isPlain(b)) return isDeepStrictEqual(a, b);
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => sameValue(a[name], b[name]));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
