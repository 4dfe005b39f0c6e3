import type { AvscType } from './avsc.ts';

/** Alike to the last attribute: the one reads what the other writes, without resolution. */
export const isSameType = (one: AvscType, other: AvscType): boolean =>
  JSON.stringify(one.toJSON(), withLongs) === JSON.stringify(other.toJSON(), withLongs);

/** Of defaults. */
const withLongs = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${String(value)}n` : value);
